import type { StoredObject } from './change-log.ts'

/** The `metadata` column of the real server. */
function toMetadata(object: StoredObject) {
  return {
    eTag: object.eTag,
    size: object.size,
    mimetype: object.contentType,
    cacheControl: object.cacheControl,
    lastModified: object.updatedAt,
    contentLength: object.size,
    httpStatusCode: 200
  }
}

/** A file as listings return it. */
export function toFileRow(object: StoredObject, name: string) {
  const { id, updatedAt, createdAt } = object
  return {
    name,
    id,
    updated_at: updatedAt,
    created_at: createdAt,
    last_accessed_at: updatedAt,
    metadata: toMetadata(object)
  }
}

/** A folder as `list()` returns it. It has only a name, because folders are not stored. */
export function toFolderRow(name: string) {
  return { name, id: null, updated_at: null, created_at: null, last_accessed_at: null, metadata: null }
}

/** An object as `remove()` returns it. */
export function toRemovedRow(object: StoredObject) {
  const { bucketId, version, name, userMetadata } = object
  return {
    ...toFileRow(object, name),
    bucket_id: bucketId,
    owner: '',
    owner_id: '',
    version,
    user_metadata: userMetadata
  }
}

/** An object as `upload()` and `copy()` return it. */
export function toStored({ id, bucketId, name }: StoredObject) {
  return { Id: id, Key: `${bucketId}/${name}` }
}

/** An object as `info()` returns it. */
export function toInfo(object: StoredObject) {
  return {
    id: object.id,
    name: object.name,
    version: object.version,
    bucket_id: object.bucketId,
    size: object.size,
    content_type: object.contentType,
    cache_control: object.cacheControl,
    etag: object.eTag,
    metadata: object.userMetadata,
    last_modified: object.updatedAt,
    created_at: object.createdAt
  }
}
