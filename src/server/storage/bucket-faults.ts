import type { Bucket } from '@supabase/storage-js'
import { audioFormats } from '../audio/formats.ts'
import { ConfigurationFault } from '../errors.ts'

/** How an existing bucket differs from what the server needs. */
export function findBucketFaults(bucket: Bucket, { isPublic }: { isPublic: boolean }): ConfigurationFault[] {
  const refused = refusedTypes(bucket)
  return [
    bucket.public !== isPublic && accessMismatch(bucket),
    refused.length > 0 &&
      new ConfigurationFault(
        'bucket_types_refused',
        `The bucket ${bucket.name} does not accept ${refused.join(', ')}: allow audio/* in its settings`
      )
  ].filter((fault) => fault !== false)
}

const accessMismatch = ({ name, public: isPublic }: Bucket) =>
  new ConfigurationFault(
    'bucket_access_mismatch',
    isPublic
      ? `The bucket ${name} is public, so anyone who knows a URL can play the recording, and RECORDINGS_ACCESS is ` +
          'private: run npm run recordings:access'
      : `The bucket ${name} is private, so public URLs do not play, and RECORDINGS_ACCESS is public: ` +
          'run npm run recordings:access'
  )

/** The fault of a bucket that takes less than `maxBytes`. `limit` is what it takes, in bytes, if that is known. */
export const limitTooLow = (name: string, limit: number | undefined, maxBytes: number) =>
  new ConfigurationFault(
    'bucket_limit_low',
    `The bucket ${name} accepts ${limit === undefined ? 'less' : `at most ${limit} bytes, which is less`} than ` +
      `MAX_RECORDING_BYTES (${maxBytes}): raise the limits of the project and of the bucket in Supabase (Storage), ` +
      'or lower MAX_RECORDING_BYTES'
  )

/**
 * The media types of recordings that the bucket does not accept. A bucket without a list accepts everything.
 */
function refusedTypes({ allowed_mime_types: allowed }: Bucket): string[] {
  if (!allowed?.length || allowed.includes('audio/*') || allowed.includes('*/*')) return []
  return audioFormats.map(({ contentType }) => contentType).filter((type) => !allowed.includes(type))
}
