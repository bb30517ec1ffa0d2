import fc from 'fast-check'
import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import type { Recording } from '../../../src/server/sessions/content.ts'
import { digestContent } from '../../../src/server/sessions/content-digest.ts'
import { describeSession } from '../../../src/server/sessions/presenter.ts'
import { createSessionRepository } from '../../../src/server/sessions/repository.ts'
import { build } from '../../helpers/app.ts'
import { runsOf } from '../../helpers/property-runs.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const { app, as } = await build(t)
const clara = as('auth0|clara')
const { id: userId } = (await clara.sync()).json<User>()

/** Text that PostgreSQL can store, with the characters that JSON escapes. */
const text = (maxLength: number) =>
  fc
    .string({
      unit: fc.oneof(
        fc.constantFrom('"', '\\', '\n', '\u0001', '\u007f', '\u2028', '🎹'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
      ),
      maxLength
    })
    .map((value) => value.replaceAll('\0', ''))
const name = text(40).map((value) => `x${value}`)
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })

const session = fc.record({
  songName: name,
  instrument: name,
  durationSeconds: fc.integer({ min: 0, max: 86_400 }),
  date: fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
  xmlContent: optional(text(200)),
  markedXml: optional(text(200)),
  notes: optional(text(50)),
  analysisSummary: optional(text(50)),
  analysisFeedback: optional(text(50)),
  scoreAccuracy: optional(fc.integer({ min: 0, max: 100 })),
  audioUrl: optional(fc.constant('https://storage.example/recordings/a/b.webm')),
  recordingSha256: optional(fc.constant('0123456789abcdef'.repeat(4)))
})

t.test(
  'the JSON of PostgreSQL is that of the row as Prisma reads it',
  { skip: needsServerWithin },
  async (t) => {
    const { session: table } = app.database.queries
    await fc.assert(
      fc.asyncProperty(session, async (data) => {
        const { id } = await table.create({ data: { ...data, userId } })
        const row = await table.findUniqueOrThrow({ where: { id } })
        t.strictSame((await clara.get(id)).json(), describeSession(row, row.audioUrl, row))
        t.strictSame((await clara.list()).json(), [
          {
            id,
            song_name: row.songName,
            instrument: row.instrument,
            date: row.date.toISOString(),
            duration_seconds: row.durationSeconds,
            audio_url: row.audioUrl,
            score_accuracy: row.scoreAccuracy
          }
        ])
        await table.deleteMany({ where: { id } })
      }),
      { numRuns: runsOf(200) }
    )
  }
)

t.test(
  'the digest of a session is the same in PostgreSQL as in the server',
  { skip: needsServerWithin },
  async (t) => {
    const { queries } = app.database
    await fc.assert(
      fc.asyncProperty(session, async (data) => {
        const { id } = await queries.session.create({ data: { ...data, userId } })
        const stored = await createSessionRepository(queries).findSaved(id, '')
        const { audioUrl, recordingSha256 } = data
        const recording = audioUrl && recordingSha256 ? ({ sha256: recordingSha256 } as Recording) : null
        t.equal(stored?.currentDigest, digestContent({ ...data, recording }))
        await queries.session.deleteMany({ where: { id } })
      }),
      { numRuns: runsOf(200) }
    )
  }
)
