import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ApiError } from '../../../../src/server/errors.ts'
import { createLoadRefusals, isForLoad } from '../../../../src/server/http/problems/load-refusals.ts'

const busy = new ApiError('server_busy', 'Retry.')

t.test('a refusal for too much load has no other cause', (t) => {
  t.equal(isForLoad(busy), true)
  t.equal(isForLoad(new ApiError('too_many_requests', 'Wait.')), true)
  t.equal(isForLoad(new ApiError('server_busy', 'Retry.', { cause: new Error('ENOSPC') })), false)
  t.equal(isForLoad(new ApiError('database_unavailable', 'Retry.')), false)
  t.end()
})

t.test('the first refusal of a second has a line of its own, and the others are counted', async (t) => {
  const lines: unknown[] = []
  const { add } = createLoadRefusals({ warn: (details: unknown) => lines.push(details) } as never)
  t.strictSame([add(busy), add(busy), add(busy)], [true, false, false])
  t.equal(add(new ApiError('too_many_requests', 'Wait.')), true)
  await sleep(1100)
  t.strictSame(lines, [{ code: 'server_busy', more: 2 }])
  t.equal(add(busy), true)
})
