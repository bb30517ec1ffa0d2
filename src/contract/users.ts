import { Type, type Static } from '@sinclair/typebox'
import { Nullable, Text } from './text.ts'

/** Lengths in characters. */
export const MAX_EMAIL = 320
export const MAX_NAME = 300
export const MAX_PICTURE = 2048

/**
 * Body of `POST /api/users/sync`: the profile of the signed-in user. Only `auth0_id` is
 * required. The server ignores values of the other members that it cannot use (server/users/profile.ts).
 */
export const SyncUserSchema = Type.Object(
  {
    auth0_id: Type.String({ minLength: 1, maxLength: 255, description: "the token's `sub`" }),
    email: Type.Optional(
      Nullable(
        Text({
          maxLength: MAX_EMAIL,
          description:
            'display data, at most 320 characters; never used for authorization. Empty and null keep the stored one'
        })
      )
    ),
    name: Type.Optional(
      Nullable(Text({ maxLength: MAX_NAME, description: 'cut at 300 characters; empty and null clear it' }))
    ),
    picture: Type.Optional(
      Nullable(
        Text({
          maxLength: MAX_PICTURE,
          description: 'http(s) URL of a picture, at most 2048 characters; empty and null clear it'
        })
      )
    ),
    timeZone: Type.Optional(
      Nullable(
        Type.String({
          description: 'IANA time zone such as Europe/Berlin; decides where a day begins. Null clears it'
        })
      )
    )
  },
  {
    title: 'SyncUser',
    'x-exact-names': ['time_zone'],
    examples: [
      {
        auth0_id: 'auth0|clara',
        email: 'clara@example.com',
        name: 'Clara',
        timeZone: 'Europe/Berlin'
      }
    ]
  }
)

export type SyncUser = Static<typeof SyncUserSchema>

const userMembers = {
  id: Type.String({ format: 'uuid' }),
  auth0_id: Type.String(),
  email: Nullable(Type.String({ description: 'null for a user without an e-mail address' })),
  name: Nullable(Type.String()),
  picture: Nullable(Type.String()),
  time_zone: Nullable(Type.String()),
  created_at: Type.String({ format: 'date-time' }),
  streak_count: Type.Integer(),
  last_practice_date: Nullable(Type.String({ format: 'date-time' }))
}

const userExample = {
  id: '3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11',
  auth0_id: 'auth0|clara',
  email: 'clara@example.com',
  name: 'Clara',
  picture: null,
  time_zone: 'Europe/Berlin',
  created_at: '2026-11-01T09:00:00.000Z',
  streak_count: 5,
  last_practice_date: '2026-11-22T18:03:00.000Z'
}

/** Answer of `POST /api/users/sync`: the user as stored. */
export const UserSchema = Type.Object(userMembers, { title: 'User', examples: [userExample] })

export type User = Static<typeof UserSchema>

/** What an account holds, or may hold. */
const holdings = {
  session_count: Type.Integer(),
  text_bytes: Type.Integer({ description: 'scores, feedback and notes, in bytes of UTF-8' }),
  recordings_bytes: Type.Integer()
}

/** Answer of `GET /api/users/me`: the user, what the account holds, and what it may hold. */
export const AccountSchema = Type.Object(
  {
    ...userMembers,
    total_minutes: Type.Integer({ description: 'minutes of practice in all sessions' }),
    ...holdings,
    quotas: Type.Object(holdings, { title: 'Quotas' })
  },
  {
    title: 'Account',
    examples: [
      {
        ...userExample,
        total_minutes: 1234,
        session_count: 87,
        text_bytes: 4_194_304,
        recordings_bytes: 734_003_200,
        quotas: { session_count: 100_000, text_bytes: 2_000_000_000, recordings_bytes: 100_000_000_000 }
      }
    ]
  }
)

export type Account = Static<typeof AccountSchema>

/** Answer of `POST /api/users/me/import`: what became of the sessions of the archive. */
export const ImportSummarySchema = Type.Object(
  {
    imported: Type.Integer({ description: 'sessions that are stored now' }),
    already_there: Type.Integer({ description: 'sessions that the account had; they are as they were' }),
    refused: Type.Integer({ description: 'sessions that are not stored' }),
    recordings_missing: Type.Integer({
      description: 'imported sessions whose recording was lost before the export'
    }),
    problems: Type.Array(
      Type.Object({
        session_id: Type.String({ format: 'uuid' }),
        code: Type.String({ description: 'Stable code, as of an error' }),
        detail: Type.String({ description: 'What to do about it, for people' })
      }),
      { description: 'The refused sessions, at most the first hundred' }
    )
  },
  {
    title: 'ImportSummary',
    examples: [
      {
        imported: 85,
        already_there: 1,
        refused: 1,
        recordings_missing: 0,
        problems: [
          {
            session_id: '0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10',
            code: 'id_reused',
            detail: 'Another session has this id. Choose a new id.'
          }
        ]
      }
    ]
  }
)

export type ImportSummary = Static<typeof ImportSummarySchema>
