import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'

/** An application error of the real server. `status` is the string in the member `statusCode` of the body. */
export class StorageError extends Error {
  override name = 'StorageError'
  readonly status: string
  readonly code: string
  readonly error: string

  constructor(status: string, code: string, message: string, error = code) {
    super(message)
    this.status = status
    this.code = code
    this.error = error
  }
}

/** The errors that this server can return, with the texts of the real server. */
export const errors = {
  noSuchBucket: () => new StorageError('404', 'NoSuchBucket', 'Bucket not found', 'Bucket not found'),
  noSuchKey: () => new StorageError('404', 'NoSuchKey', 'Object not found', 'not_found'),
  noRelatedResource: () => new StorageError('404', 'InvalidRequest', 'The related resource does not exist'),
  bucketAlreadyExists: () =>
    new StorageError('409', 'BucketAlreadyExists', 'The resource already exists', 'Duplicate'),
  keyAlreadyExists: () =>
    new StorageError('409', 'KeyAlreadyExists', 'The resource already exists', 'Duplicate'),
  bucketNotEmpty: () =>
    new StorageError('409', 'InvalidRequest', 'The bucket you tried to delete is not empty'),
  invalidBucketName: () =>
    new StorageError('400', 'InvalidBucketName', 'Bucket name invalid', 'Invalid Input'),
  invalidKey: (key: string) => new StorageError('400', 'InvalidKey', `Invalid key: ${key}`),
  invalidFileSizeLimit: () =>
    new StorageError('400', 'InvalidRequest', 'Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B'),
  invalidRequest: (message: string) => new StorageError('400', 'InvalidRequest', message),
  invalidParameter: (message: string) => new StorageError('400', 'InvalidParameter', message),
  invalidMimeType: (type: string) =>
    new StorageError('415', 'InvalidMimeType', `mime type ${type} is not supported`, 'invalid_mime_type'),
  entityTooLarge: () =>
    new StorageError(
      '413',
      'EntityTooLarge',
      'The object exceeded the maximum allowed size',
      'Payload too large'
    ),
  invalidRange: () => new StorageError('416', 'InvalidRange', 'invalid range provided', 'invalid_range'),
  invalidJwt: (message: string) => new StorageError('400', 'InvalidJWT', message),
  invalidSignature: (message = 'Invalid signature') => new StorageError('400', 'InvalidSignature', message),
  missingAuthorization: () =>
    new StorageError('400', 'InvalidRequest', "headers must have required property 'authorization'", 'Error'),
  accessDenied: () => new StorageError('403', 'AccessDenied', 'Invalid Compact JWS', 'Unauthorized')
}

/**
 * Answers errors as the real server does. Every application error is HTTP 400, with its own status in the
 * body, except an unsatisfiable range, which is HTTP 416. Unexpected errors are HTTP 500.
 */
export function answerError(
  error: FastifyError | StorageError,
  request: FastifyRequest,
  reply: FastifyReply
) {
  if (error instanceof StorageError) {
    const { status, code, message } = error
    return reply
      .code(status === '416' ? 416 : 400)
      .send({ statusCode: status, error: error.error, message, code })
  }
  const status = error.statusCode ?? 500
  if (status < 500) {
    return reply.code(status).send({ statusCode: `${status}`, error: error.name, message: error.message })
  }
  // A client that disconnected during an upload is not an error of the server.
  if (!request.socket.destroyed) request.log.error(error)
  return reply
    .code(500)
    .send({ statusCode: '500', error: 'Internal', message: 'Internal Server Error', code: 'InternalError' })
}
