// The manifest once more in Croissant 1.1, which Hugging Face, Kaggle and `mlcroissant` read.
import { type Manifest, sharedPrefix } from './manifest.ts'

const TYPES: Readonly<Record<string, string>> = {
  byte: 'sc:Integer',
  short: 'sc:Integer',
  integer: 'sc:Integer',
  long: 'sc:Integer',
  float: 'sc:Float',
  double: 'sc:Float',
  boolean: 'sc:Boolean',
  date: 'sc:Date',
  timestamp: 'sc:DateTime',
  timestamp_ntz: 'sc:DateTime',
}

// Croissant's own name of it, by which readers choose how to open a file; it is older than the registered one.
const PARQUET = 'application/x-parquet'

/** The context of Croissant 1.1, whole: readers compare it. */
const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  arrayShape: 'cr:arrayShape',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  containedIn: 'cr:containedIn',
  cr: 'http://mlcommons.org/croissant/',
  rai: 'http://mlcommons.org/croissant/RAI/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  description: { '@container': '@language' },
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileProperty: 'cr:fileProperty',
  fileObject: 'cr:fileObject',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isArray: 'cr:isArray',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  name: { '@container': '@language' },
  parentField: 'cr:parentField',
  path: 'cr:path',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
}

/** The JSON-LD of a dataset: each file with its digest, and a record set for each part. */
export function croissantOf({ name, id, created_at: created, splits, columns, key }: Manifest): unknown {
  const parts = Object.entries(splits)
  return {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.1',
    name,
    version: id,
    datePublished: created,
    description: `${name} as Tributary extracted it; manifest.json tells from which versions of which tables.`,
    distribution: parts.flatMap(([part, { files }]) => [
      ...files.map(({ path, bytes, sha256 }) => ({
        '@type': 'cr:FileObject',
        '@id': path,
        name: path,
        contentUrl: path,
        contentSize: `${bytes} B`,
        encodingFormat: PARQUET,
        sha256,
      })),
      {
        '@type': 'cr:FileSet',
        '@id': `${part}-files`,
        name: `${part}-files`,
        encodingFormat: PARQUET,
        includes: `${sharedPrefix(files.map(({ path }) => path))}*.parquet`,
      },
    ]),
    recordSet: parts.map(([part]) => ({
      '@type': 'cr:RecordSet',
      '@id': part,
      name: part,
      key: key.map((column) => ({ '@id': `${part}/${column}` })),
      field: columns.map((column) => ({
        '@type': 'cr:Field',
        '@id': `${part}/${column.name}`,
        name: column.name,
        description: column.from,
        dataType:
          TYPES[column.type.replace(/\(.*/, '')] ?? (column.type.startsWith('decimal') ? 'sc:Float' : 'sc:Text'),
        source: { fileSet: { '@id': `${part}-files` }, extract: { column: column.name } },
      })),
    })),
  }
}
