import { Type, type Static } from '@sinclair/typebox'
import { Nullable, Uuid } from './text.ts'

/** The session of the examples in the API document. */
export const exampleSession = {
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

const AnalysisSchema = Type.Object(
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
  { title: 'SessionData', examples: [exampleSession] }
)

export type SessionData = Static<typeof SessionDataSchema>

export const SessionParamsSchema = Type.Object({ id: Uuid({ examples: [exampleSession.id] }) })
