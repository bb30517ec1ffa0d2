import t from 'tap'
import fc from 'fast-check'
import { applyChanges, mergeChanges } from '../../src/client/session-changes.ts'
import type { SessionChanges } from '../../src/client/index.ts'
import { newSession } from './helpers/sessions.ts'

const text = fc.constantFrom('a', 'b')
const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null })
const analysis = fc.record(
  {
    summary: nullable(text),
    feedback: nullable(text),
    scoreAccuracy: nullable(fc.nat(9)),
    markedXml: nullable(text)
  },
  { requiredKeys: [] }
)
const changes = fc.record(
  { songName: text, notes: nullable(text), xmlContent: nullable(text), analysis: nullable(analysis) },
  { requiredKeys: [] }
) as fc.Arbitrary<SessionChanges>

t.test('merged changes have the effect of both, one after the other', async () => {
  fc.assert(
    fc.property(changes, changes, nullable(analysis), (first, second, stored) => {
      const session = applyChanges(newSession({ id: 'x', date: '', analysis: null }), { analysis: stored })
      const [merged, inTurn] = [
        applyChanges(session, mergeChanges(first, second)),
        applyChanges(applyChanges(session, first), second)
      ].map((session) => JSON.stringify(Object.entries(session).sort(([a], [b]) => (a < b ? -1 : 1))))
      return merged === inTurn
    })
  )
})
