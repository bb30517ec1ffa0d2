import { StorageError } from './storage-service.ts'

/** Another session was saved under this id. */
export function idReused(): StorageError {
  return new StorageError(409, 'id_reused', 'Another session has this id. Choose a new id.')
}

export function sessionNotFound(): StorageError {
  return new StorageError(404, 'session_not_found', 'The session does not exist.')
}
