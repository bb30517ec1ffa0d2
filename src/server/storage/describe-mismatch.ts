import type { Bucket } from '@supabase/storage-js'
import { audioFormats } from '../audio/formats.ts'

type Expected = { isPublic: boolean; maxBytes: number }

/** Describes how an existing bucket differs from what the server needs; undefined when it fits. */
export function describeMismatch(bucket: Bucket, { isPublic, maxBytes }: Expected): string | undefined {
  const refused = refusedTypes(bucket)
  const limit = bucket.file_size_limit
  const faults = [
    bucket.public &&
      !isPublic &&
      'is public: anyone who knows a URL can play the recording. Run npm run recordings:access',
    !bucket.public && isPublic && 'is private: public URLs do not play. Run npm run recordings:access',
    limit && limit < maxBytes && `accepts at most ${limit} bytes, which is less than MAX_RECORDING_BYTES`,
    refused.length > 0 && `does not accept ${refused.join(', ')}`
  ].filter(Boolean)
  return faults.length > 0 ? `The bucket ${bucket.name} ${faults.join('; it ')}` : undefined
}

/**
 * The media types of recordings that the bucket does not accept. A bucket without a list accepts everything.
 */
function refusedTypes({ allowed_mime_types: allowed }: Bucket): string[] {
  if (!allowed?.length || allowed.includes('audio/*') || allowed.includes('*/*')) return []
  return audioFormats.map(({ contentType }) => contentType).filter((type) => !allowed.includes(type))
}
