// What a training job of SageMaker is told of files in S3: a channel for each part, as `InputDataConfig` of CreateTrainingJob has it.
// `python/tributary_data/sagemaker.py` has the same rules.
import type { Lake } from '@tributary/pipeline'
import { exportRefused, notInS3 } from '../errors.ts'
import { sharedPrefix } from './manifest.ts'

/** The files of one part, below a folder of the lake. */
export interface ChannelFiles {
  readonly part: string
  /** Paths relative to the folder, the part's name first. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
}

/** Where the files lie, and what they are. */
export interface ChannelOptions {
  readonly target: string
  readonly folder: string
  readonly contentType: string
  /** How many instances share the files of a part; each gets all of them when it is left out. */
  readonly instances?: number | undefined
}

/** SageMaker's own name of the second channel: its XGBoost looks for that one. */
const CHANNEL_NAMES: Readonly<Record<string, string>> = { val: 'validation' }

// AWS, "Choosing an input mode and a storage unit": File for small sets, FastFile for larger ones in files of more than 50 MB.
const STREAMED_BYTES_MIN = 50e9
const STREAMED_FILE_BYTES_MIN = 50e6

/** Says no before anything is written. Throws `NOT_IN_S3`, `EXPORT_REFUSED`. */
export function assertChannels(lake: Lake, parts: readonly ChannelFiles[], { target, instances = 1 }: ChannelOptions) {
  if (!lake.root.url.startsWith('s3://')) throw notInS3(lake.root.url)
  const short = parts.find(({ files }) => files.length < instances)
  if (short !== undefined)
    throw exportRefused(
      target,
      `its part ${short.part} has ${short.files.length} files for ${instances} instances, and one without a file would train on nothing`,
      `Build it with export: {shards: ${instances}} or more, or leave out --instances`,
    )
}

/** Writes the lists that channels name, and gives their paths and the channels. */
export async function writeChannels(
  lake: Lake,
  parts: readonly ChannelFiles[],
  { folder, contentType, instances }: ChannelOptions,
): Promise<{ readonly lists: readonly string[]; readonly channels: readonly unknown[] }> {
  const lists: string[] = []
  const channels: unknown[] = []
  const base = `${lake.root.url}${folder}`
  for (const { part, files } of parts) {
    const mode = inputMode(files)
    const list = `${folder}${part}.manifest`
    // A list rather than a prefix, so that nothing is read that somebody put beside the files. FastFile takes only prefixes.
    const source =
      mode === 'FastFile'
        ? { S3DataType: 'S3Prefix', S3Uri: `${base}${sharedPrefix(files.map(({ path }) => path))}` }
        : { S3DataType: 'ManifestFile', S3Uri: `${lake.root.url}${list}` }
    if (mode === 'File') {
      await lake.root.write(
        list,
        Buffer.from(`${JSON.stringify([{ prefix: base }, ...files.map(({ path }) => path)])}\n`),
      )
      lists.push(list)
    }
    const distribution = instances === undefined ? 'FullyReplicated' : 'ShardedByS3Key'
    channels.push({
      ChannelName: CHANNEL_NAMES[part] ?? part,
      ContentType: contentType,
      CompressionType: 'None',
      RecordWrapperType: 'None',
      InputMode: mode,
      DataSource: { S3DataSource: { ...source, S3DataDistributionType: distribution } },
    })
  }
  return { lists, channels }
}

/** How a job should read files of these sizes. */
export function inputMode(files: ChannelFiles['files']): 'File' | 'FastFile' {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return bytes >= STREAMED_BYTES_MIN && bytes / files.length >= STREAMED_FILE_BYTES_MIN ? 'FastFile' : 'File'
}
