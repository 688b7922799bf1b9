// The manifest once more in Croissant 1.1, which Hugging Face, Kaggle and `mlcroissant` read.
import type { Manifest } from './manifest.ts'

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

/** The JSON-LD of a dataset: each file with its digest, and a record set for each part. */
export function croissantOf({ name, id, created_at: created, splits, columns, key }: Manifest): unknown {
  const parts = Object.entries(splits)
  return {
    '@context': {
      '@language': 'en',
      '@vocab': 'https://schema.org/',
      sc: 'https://schema.org/',
      cr: 'http://mlcommons.org/croissant/',
      dct: 'http://purl.org/dc/terms/',
      conformsTo: 'dct:conformsTo',
      recordSet: 'cr:recordSet',
      field: 'cr:field',
      dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
      source: 'cr:source',
      extract: 'cr:extract',
      column: 'cr:column',
      fileSet: 'cr:fileSet',
      includes: 'cr:includes',
      key: 'cr:key',
    },
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
        encodingFormat: 'application/vnd.apache.parquet',
        sha256,
      })),
      {
        '@type': 'cr:FileSet',
        '@id': `${part}-files`,
        name: `${part}-files`,
        encodingFormat: 'application/vnd.apache.parquet',
        includes: `${part}/*.parquet`,
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
