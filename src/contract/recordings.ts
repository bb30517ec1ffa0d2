import { Type, type Static } from '@sinclair/typebox'
import { Text } from './text.ts'
import { ANY_CASE_UUID_PATTERN } from './uuid.ts'

const example = '5b1f6a1e-8a51-4d1c-9a8e-2f1d0b6c7e35-31457280'
const storage = 'https://project.supabase.co/storage/v1'

const UploadIdSchema = (description: string) =>
  Type.String({ pattern: `^${ANY_CASE_UUID_PATTERN}-[1-9][0-9]{0,15}$`, description })

/** Body of `POST /api/sessions/:id/recording`. */
export const NewUploadSchema = Type.Object(
  {
    contentType: Text({
      minLength: 1,
      maxLength: 200,
      description: "the recording's media type, such as audio/webm"
    }),
    bytes: Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'exact length of the recording, in bytes'
    }),
    uploadId: Type.Optional(
      UploadIdSchema(
        'renews the token of this open upload, for example to resume it; otherwise a new one begins'
      )
    )
  },
  {
    title: 'NewUpload',
    'x-exact-names': [],
    examples: [{ contentType: 'audio/webm;codecs=opus', bytes: 31_457_280 }]
  }
)

/**
 * Answer of `POST /api/sessions/:id/recording`. The client then sends the bytes to the storage: as the body
 * of `PUT url`, or in pieces by TUS 1.0 (https://tus.io/protocols/resumable-upload).
 */
export const UploadSchema = Type.Object(
  {
    uploadId: Type.String({ description: 'Identifies this upload when it is completed' }),
    url: Type.String({ description: 'PUT the bytes here; no other authorization is needed' }),
    contentType: Type.String({ description: 'The `Content-Type` of the PUT' }),
    token: Type.String({ description: 'The token within the URL, for clients of Supabase Storage' }),
    bucket: Type.String({ description: 'The bucket within the URL' }),
    path: Type.String({ description: 'The key within the bucket' }),
    cacheControl: Type.String({ description: 'The option `cacheControl` of storage-js: seconds' }),
    resumableUrl: Type.String({
      description:
        'For uploads that can be resumed: the TUS endpoint. Send the token in `x-signature` with every request'
    }),
    expiresAt: Type.String({
      format: 'date-time',
      description: 'A PUT must begin, and the last request of TUS arrive, before this time'
    })
  },
  {
    title: 'Upload',
    examples: [
      {
        uploadId: example,
        url: `${storage}/object/upload/sign/harmony-helper-recordings-staging/…?token=eyJ…`,
        contentType: 'audio/webm',
        token: 'eyJ…',
        bucket: 'harmony-helper-recordings-staging',
        path: `3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11/0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10/${example}`,
        cacheControl: '60',
        resumableUrl: `${storage}/upload/resumable/sign`,
        expiresAt: '2026-11-22T20:03:00.000Z'
      }
    ]
  }
)

/** A direct upload that has begun. */
export type Upload = Static<typeof UploadSchema>

/** Body of `POST /api/sessions/:id/recording/complete`. */
export const CompletedUploadSchema = Type.Object(
  {
    uploadId: UploadIdSchema('the uploadId with which the upload was begun')
  },
  { title: 'CompletedUpload', examples: [{ uploadId: example }] }
)
