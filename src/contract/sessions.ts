import { Type, type Static } from '@sinclair/typebox'
import { MAX_DURATION_SECONDS, MAX_NOTES_CHARACTERS, MAX_XML_BYTES } from './limits.ts'
import { Name, Nullable, Text, Uuid } from './text.ts'

const example = {
  id: '0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10',
  date: '2026-11-22T18:03:00.000Z',
  songName: 'Ode to Joy',
  instrument: 'Piano',
  durationSeconds: 1260,
  xmlContent: '<?xml version="1.0"?><score-partwise version="4.0"/>',
  notes: 'Left hand alone first',
  analysis: {
    summary: 'Steady tempo',
    feedback: 'Mind the dotted notes in bar 12.',
    scoreAccuracy: 87,
    markedXml: '<?xml version="1.0"?><score-partwise version="4.0"/>'
  },
  audioUrl:
    'https://project.supabase.co/storage/v1/object/public/harmony-helper-recordings/3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11/0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10.webm'
}

export const AnalysisSchema = Type.Object(
  {
    summary: Nullable(Type.String()),
    feedback: Nullable(Type.String()),
    scoreAccuracy: Nullable(Type.Integer()),
    markedXml: Nullable(Type.String({ description: 'The score as the analysis marked it up' }))
  },
  { title: 'Analysis' }
)

/** A full session: answer of `GET /api/sessions/:id`. */
export const SessionDataSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    date: Type.String({ format: 'date-time' }),
    songName: Type.String(),
    instrument: Type.String(),
    durationSeconds: Type.Integer(),
    xmlContent: Nullable(Type.String()),
    notes: Nullable(Type.String({ description: "The musician's own notes" })),
    analysis: Nullable(AnalysisSchema),
    audioUrl: Nullable(Type.String())
  },
  { title: 'SessionData', examples: [example] }
)

export type SessionData = Static<typeof SessionDataSchema>

/** One entry of the history: metadata only. Lists have the names of the first contract, which clients in use read. */
export const SessionListItemSchema = Type.Object(
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
        id: example.id,
        song_name: 'Ode to Joy',
        instrument: 'Piano',
        date: example.date,
        duration_seconds: 1260,
        audio_url: example.audioUrl,
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

export const SessionParamsSchema = Type.Object({ id: Uuid({ examples: [example.id] }) })

const Score = () =>
  Text({ maxLength: MAX_XML_BYTES, 'x-max-bytes': MAX_XML_BYTES, description: 'MusicXML, at most 10 MB' })

export const NewAnalysisSchema = Type.Object(
  {
    summary: Type.Optional(Nullable(Text({ maxLength: 1_000_000 }))),
    feedback: Type.Optional(Nullable(Text({ maxLength: 1_000_000 }))),
    scoreAccuracy: Type.Optional(Nullable(Type.Integer({ minimum: 0, maximum: 100 }))),
    markedXml: Type.Optional(Nullable(Score()))
  },
  { title: 'NewAnalysis', 'x-exact-names': [] }
)

const Duration = () =>
  Type.Number({
    minimum: 0,
    maximum: MAX_DURATION_SECONDS,
    description: 'Seconds; rounded to whole seconds'
  })

const SessionDate = (otherwise = '') =>
  Type.String({
    format: 'date-time',
    'x-date-range': { from: '1900-01-01T00:00:00Z', hoursAhead: 48 },
    description: `an RFC 3339 time with an offset, from 1900 to 48 hours ahead${otherwise}`
  })

/** Optional texts of POST and PATCH. */
const optionalTexts = {
  xmlContent: Type.Optional(Nullable(Score())),
  notes: Type.Optional(
    Nullable(
      Text({
        maxLength: MAX_NOTES_CHARACTERS,
        description:
          "the musician's own notes, up to 10,000 characters, without NUL characters or unpaired surrogates"
      })
    )
  ),
  analysis: Type.Optional(
    Type.Union(
      [
        Type.Null(),
        Text({
          maxLength: 1_000_000,
          description: 'the feedback alone: text without NUL characters or unpaired surrogates'
        }),
        NewAnalysisSchema
      ],
      {
        description:
          'text, the feedback alone, or an object with summary, feedback, scoreAccuracy and markedXml'
      }
    )
  )
}

/** Body of `POST /api/sessions`. */
export const NewSessionSchema = Type.Object(
  {
    id: Type.Optional(
      Nullable(Uuid({ description: 'a UUID chosen by the client; makes the save safe to repeat' }))
    ),
    songName: Name(),
    instrument: Name(),
    duration: Duration(),
    date: Type.Optional(Nullable(SessionDate('; default: now'))),
    ...optionalTexts,
    audioBase64: Type.Optional(
      Nullable(
        Type.String({
          pattern: '^(?:data:[^,]*,)?[A-Za-z0-9+/]*={0,2}$',
          description:
            'standard base64 without white space, or a data: URL of it: the recording (WebM, MP4, Ogg, MP3, WAV ' +
            'or FLAC)'
        })
      )
    )
  },
  {
    title: 'NewSession',
    'x-exact-names': ['durationSeconds'],
    examples: [
      {
        songName: 'Ode to Joy',
        instrument: 'Piano',
        duration: 1260,
        notes: example.notes,
        analysis: example.analysis,
        audioBase64: null,
        id: example.id
      }
    ]
  }
)

export type NewSession = Static<typeof NewSessionSchema>
export type NewAnalysis = NewSession['analysis']

/** A member that PATCH refuses. The description completes "must be …". */
const Unchangeable = (description: string) => Type.Optional(Type.Never({ description }))

const RECORDINGS = 'left out: recordings have their own routes, /api/sessions/{id}/recording'

/** Body of `PATCH /api/sessions/:id`: a JSON merge patch (RFC 7396). */
export const SessionChangesSchema = Type.Object(
  {
    songName: Type.Optional(Name()),
    instrument: Type.Optional(Name()),
    duration: Type.Optional(Duration()),
    durationSeconds: Type.Optional(Duration()),
    date: Type.Optional(SessionDate()),
    ...optionalTexts,
    id: Unchangeable('left out: the id of a session does not change'),
    audioUrl: Unchangeable(RECORDINGS),
    audioBase64: Unchangeable(RECORDINGS)
  },
  {
    title: 'SessionChanges',
    'x-exact-names': ['audio_url'],
    examples: [{ songName: 'Ode an die Freude', notes: null, analysis: { scoreAccuracy: 90 } }]
  }
)

export type SessionChanges = Static<typeof SessionChangesSchema>
