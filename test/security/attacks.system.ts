import t from 'tap'
import { fixture } from '../helpers/recordings.ts'
import { needsServerWithin } from '../helpers/server-command.ts'
import { contentAttacks } from './attacks/content.ts'
import { framingAttacks, tryFraming } from './attacks/framing.ts'
import { ownershipAttacks } from './attacks/ownership.ts'
import { tokenAttacks } from './attacks/tokens.ts'
import { tryAttack } from './helpers/attack.ts'
import { createWorld } from './helpers/world.ts'

// Ownership comes last, because one of its requests deletes the account of the attacker.
const topics = { tokens: tokenAttacks, content: contentAttacks, ownership: ownershipAttacks }

t.test('attacks', { skip: needsServerWithin }, async (t) => {
  const world = await createWorld(t)
  const { victim } = world
  const history = (await victim.list()).body
  let count = 0

  await t.test(
    'framing: an ambiguous or broken request is answered once, and its connection closed',
    async (t) => {
      for (const attack of framingAttacks(world)) {
        await tryFraming(t, world, attack)
        count++
      }
    }
  )

  for (const [topic, attacksOn] of Object.entries(topics)) {
    await t.test(`${topic}: each attack gets its documented refusal, or does no harm`, async (t) => {
      for (const attack of attacksOn(world)) {
        await tryAttack(t, world, attack)
        count++
      }
    })
  }

  t.comment(`${count} attacks`)
  t.ok(count >= 250, 'the tables are as long as they were')
  t.equal(world.trap.visits, 0, "the server calls no address of the attacker's")
  t.equal((await victim.list()).body, history, "the victim's history is as before")
  const played = await fetch(victim.session.audioUrl ?? '')
  t.strictSame(Buffer.from(await played.arrayBuffer()), await fixture('recording.webm'))
  t.equal(({} as Record<string, unknown>)['isAdmin'], undefined, 'no prototype has changed')
})
