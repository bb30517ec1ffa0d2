import { Type, type Static } from '@sinclair/typebox'
import {
  EARLIEST_YEAR,
  MAX_ANALYSIS_CHARACTERS,
  MAX_DURATION_SECONDS,
  MAX_HOURS_AHEAD,
  MAX_NOTES_CHARACTERS,
  MAX_XML_BYTES
} from './limits.ts'
import { exampleSession } from './sessions.ts'
import { Name, Nullable, Text, Uuid } from './text.ts'

const Score = () =>
  Text({ maxLength: MAX_XML_BYTES, 'x-max-bytes': MAX_XML_BYTES, description: 'MusicXML, at most 10 MB' })

export const NewAnalysisSchema = Type.Object(
  {
    summary: Type.Optional(Nullable(Text({ maxLength: MAX_ANALYSIS_CHARACTERS }))),
    feedback: Type.Optional(Nullable(Text({ maxLength: MAX_ANALYSIS_CHARACTERS }))),
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
    'x-date-range': { from: `${EARLIEST_YEAR}-01-01T00:00:00Z`, hoursAhead: MAX_HOURS_AHEAD },
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
          maxLength: MAX_ANALYSIS_CHARACTERS,
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
        notes: exampleSession.notes,
        analysis: exampleSession.analysis,
        audioBase64: null,
        id: exampleSession.id
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
