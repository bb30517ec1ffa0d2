import t from 'tap'
import { createTurnQueue } from '../../../../src/server/http/limits/turn-queue.ts'

t.test('a call is removed once', (t) => {
  const queue = createTurnQueue<{ user: string }>()
  const [first, second] = [{ user: 'clara' }, { user: 'clara' }]
  for (const call of [first, second]) queue.add(call)
  t.strictSame(queue.all(), [first, second])
  queue.remove(first)
  queue.remove(first)
  t.strictSame(queue.all(), [second])
  t.equal(queue.size(), 1)
  t.end()
})

t.test('the users take turns, each with the first of their calls', (t) => {
  const queue = createTurnQueue<{ user: string; name: string }>()
  for (const name of ['clara 1', 'clara 2', 'robert 1']) queue.add({ user: name.split(' ')[0]!, name })
  t.equal(queue.size(), 3)
  t.equal(queue.sizeOf('clara'), 2)
  t.equal(queue.longest().size, 2)
  t.equal(queue.next(({ user }) => user !== 'clara')?.name, 'robert 1')
  const served: string[] = []
  for (let call = queue.next(() => true); call; call = queue.next(() => true)) {
    queue.endTurn(call.user)
    queue.remove(call)
    served.push(call.name)
  }
  t.strictSame(served, ['clara 1', 'robert 1', 'clara 2'])
  t.equal(queue.size(), 0)
  t.equal(queue.longest().size, 0)
  t.end()
})
