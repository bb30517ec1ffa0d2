import type { FastifyError } from 'fastify'
import { ApiError, invalidInput } from '../../errors.ts'
import { describeInvalid } from './describe-invalid.ts'

const UNREADABLE_PATH = new Set(['FST_ERR_BAD_URL', 'FST_ERR_MAX_PARAM_LENGTH'])

/** Converts any error to one from the catalogue; an unexpected one becomes `internal_error`. */
export function toApiError(error: FastifyError): ApiError {
  if (error instanceof ApiError) return error
  if (error.validation) return describeInvalid(error.validation, error.validationContext)
  if (UNREADABLE_PATH.has(error.code)) {
    return invalidInput('path', 'must be percent-encoded UTF-8, and its id a UUID')
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ApiError(
      'body_too_large',
      'Send a smaller body. As base64, a recording is a third larger than its file.'
    )
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new ApiError('unsupported_media_type', 'Send the body as application/json.')
  }
  if (error.code?.startsWith('FST_ERR_CTP_') || error.statusCode === 400) {
    return new ApiError('malformed_body', 'Send a complete body of well-formed JSON as application/json.', {
      cause: error
    })
  }
  return new ApiError('internal_error', 'Internal error. Retry; if it persists, report the x-request-id.', {
    cause: error
  })
}
