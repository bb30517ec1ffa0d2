import { randomUUID } from 'node:crypto'
import type { SessionHead } from '../repository.ts'

type SessionIds = Pick<SessionHead, 'id' | 'userId'>

/** One direct upload: its object in the staging bucket, and the length that the client announced. */
export type StagedUpload = {
  uploadId: string
  /** The key to which the upload URL writes. */
  key: string
  /** The key to which the object is moved before it is verified. No upload URL can write to it. */
  sealedKey: string
  /** Announced length in bytes. */
  bytes: number
}

/** Key of an upload in the staging bucket. */
export const stagingKey = ({ userId, id }: SessionIds, uploadId: string) =>
  `${userId}/${id}/${uploadId}`.toLowerCase()

/** Makes the id of an upload. The announced length is part of it: the completion reads it from there. */
export const createUploadId = (bytes: number) => `${randomUUID()}-${bytes}`

/** The length with which an upload was begun. */
export const announcedBytes = (uploadId: string) => Number(uploadId.split('-').at(-1))

/** The upload with this `uploadId`, whose format the request schema has validated. */
export function stagedUpload(session: SessionIds, uploadId: string): StagedUpload {
  const key = stagingKey(session, uploadId)
  return { uploadId, key, sealedKey: `${key}-sealed`, bytes: announcedBytes(uploadId) }
}
