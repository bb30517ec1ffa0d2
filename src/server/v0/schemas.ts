import { Type, type Static } from '@sinclair/typebox'
import { MAX_DURATION_SECONDS } from '../../contract/limits.ts'
import { NewAnalysisSchema, NewSessionSchema } from '../../contract/session-input.ts'
import { Nullable } from '../../contract/text.ts'

/**
 * Body of `POST /v0/api/users/sync`. `email`, `name` and `picture` may be anything: what is unusable counts
 * as left out.
 */
export const V0UserSchema = Type.Object(
  {
    sub: Type.String({ minLength: 1, maxLength: 255, description: "the token's `sub`" }),
    email: Type.Optional(Type.Unknown({ description: 'display data' })),
    name: Type.Optional(Type.Unknown({ description: 'display data' })),
    picture: Type.Optional(Type.Unknown({ description: 'URL of a picture' }))
  },
  {
    title: 'V0User',
    examples: [{ sub: 'auth0|clara', email: 'clara@example.com', name: 'Clara', picture: '' }]
  }
)

export type V0User = Static<typeof V0UserSchema>

const session = NewSessionSchema.properties
const analysis = NewAnalysisSchema.properties

/** The answer of the analysis service. */
const V0AnalysisSchema = Type.Object(
  {
    performace_summary: analysis.summary, // the frontend's spelling
    'coach-feedback': analysis.feedback,
    'marked-up-musicxml': analysis.markedXml,
    'user-spectrogram': Type.Optional(Type.Unknown({ description: 'a placeholder, not kept' })),
    'target-spectrogram': Type.Optional(Type.Unknown({ description: 'a placeholder, not kept' }))
  },
  { title: 'V0Analysis', 'x-exact-names': [] }
)

/** Body of `POST /v0/api/sessions`. */
export const V0NewSessionSchema = Type.Object(
  {
    song_name: session.songName,
    instrument: session.instrument,
    duration_seconds: Type.Optional(
      Nullable(
        Type.Number({
          minimum: 0,
          maximum: MAX_DURATION_SECONDS,
          description: 'length of the recording in seconds; of the practice if that is not sent'
        })
      )
    ),
    total_practice_seconds: Type.Optional(
      Nullable(
        Type.Number({ description: 'length of the practice if above 0; more than a day counts as a day' })
      )
    ),
    date: session.date,
    xml_content: session.xmlContent,
    analysis: Type.Optional(Nullable(V0AnalysisSchema)),
    audioBase64: session.audioBase64
  },
  {
    title: 'V0NewSession',
    'x-exact-names': [],
    examples: [
      {
        song_name: 'Für Elise',
        instrument: 'Piano',
        duration_seconds: 180,
        total_practice_seconds: 1260,
        date: '2026-11-22T17:00:00.000Z',
        xml_content: '<score-partwise version="4.0"/>',
        analysis: {
          performace_summary: 'Steady tempo',
          'coach-feedback': 'Mind the dotted notes in bar 12.',
          'user-spectrogram': '',
          'target-spectrogram': '',
          'marked-up-musicxml': '<score-partwise version="4.0"/>'
        },
        audioBase64: ''
      }
    ]
  }
)

export type V0NewSession = Static<typeof V0NewSessionSchema>

const row = {
  id: '0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10',
  date: '2026-11-22T17:00:00.000Z',
  song_name: 'Für Elise',
  instrument: 'Piano',
  duration_seconds: 1260,
  total_practice_seconds: 1260,
  audio_url: null,
  xml_content: '<score-partwise version="4.0"/>',
  analysis_summary: 'Steady tempo',
  analysis_feedback: 'Mind the dotted notes in bar 12.'
}

/** One row of the history. */
export const V0SessionSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    date: Type.String({ format: 'date-time' }),
    song_name: Type.String(),
    instrument: Type.String(),
    duration_seconds: Type.Integer(),
    total_practice_seconds: Type.Integer({ description: 'The same as duration_seconds' }),
    audio_url: Nullable(Type.String()),
    xml_content: Nullable(Type.String()),
    analysis_summary: Nullable(Type.String({ description: 'The feedback if there is no summary' })),
    analysis_feedback: Nullable(Type.String())
  },
  {
    title: 'V0Session',
    examples: [row]
  }
)

export const V0HistorySchema = Type.Array(V0SessionSchema, { examples: [[row]] })
