import type { SessionHead } from '../repository.ts'

/** One direct upload: its object in the staging bucket, and the length that the client announced. */
export type StagedUpload = {
  /** The key to which the upload URL writes. */
  key: string
  /** The key to which the object is moved before it is verified. No upload URL can write to it. */
  sealedKey: string
  /** Announced length in bytes. */
  bytes: number
}

/** Key of an upload in the staging bucket. The `uploadId` ends with the announced length. */
export const stagingKey = ({ userId, id }: SessionHead, uploadId: string) =>
  `${userId}/${id}/${uploadId}`.toLowerCase()

/** The upload with this `uploadId`, whose format the request schema has validated. */
export function stagedUpload(session: SessionHead, uploadId: string): StagedUpload {
  const key = stagingKey(session, uploadId)
  return { key, sealedKey: `${key}-sealed`, bytes: Number(uploadId.split('-').at(-1)) }
}
