import { Type, type Static } from '@sinclair/typebox'
import { exampleSession } from './sessions.ts'
import { Nullable } from './text.ts'

/** One entry of the history: metadata only. Lists have the names of the first contract, which clients in use read. */
const SessionListItemSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    song_name: Type.String(),
    instrument: Type.String(),
    date: Type.String({ format: 'date-time' }),
    duration_seconds: Type.Integer(),
    audio_url: Nullable(Type.String()),
    score_accuracy: Nullable(Type.Integer())
  },
  { title: 'SessionListItem' }
)

export const SessionListSchema = Type.Array(SessionListItemSchema, {
  examples: [
    [
      {
        id: exampleSession.id,
        song_name: 'Ode to Joy',
        instrument: 'Piano',
        date: exampleSession.date,
        duration_seconds: 1260,
        audio_url: exampleSession.audioUrl,
        score_accuracy: 87
      }
    ]
  ]
})

export type SessionListItem = Static<typeof SessionListItemSchema>

export const SessionListQuerySchema = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'rows per page; the whole history without it',
      examples: [20]
    })
  ),
  cursor: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'start of the page: take it from the `Link` header of the previous page',
      examples: ['MTc5NTM3MDU4MDAwMDAwMC8wZDJjOGYwZS05YjFmLTRjNTMtOGE0MC02ZjZmMWYwZjdhMTA']
    })
  )
})
