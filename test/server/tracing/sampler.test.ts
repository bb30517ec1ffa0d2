import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { SamplingDecision } from '@opentelemetry/sdk-trace'
import t from 'tap'
import { createSampler } from '../../../src/server/tracing/sampler.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const contexts = {
  'no parent': ROOT_CONTEXT,
  'an untraced parent': contextOf(0),
  'a traced parent': contextOf(1)
}

function contextOf(traceFlags: number) {
  return trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE, spanId: 'b7ad6b7169203331', traceFlags })
}

t.test('the samplers choose as the specification says', async (t) => {
  for (const [name, ratio, parent, isTraced] of [
    ['always_on', 0, 'an untraced parent', true],
    ['always_off', 1, 'a traced parent', false],
    ['traceidratio', 0, 'a traced parent', false],
    ['traceidratio', 1, 'an untraced parent', true],
    ['parentbased_always_on', 0, 'no parent', true],
    ['parentbased_always_on', 1, 'an untraced parent', false],
    ['parentbased_always_off', 1, 'no parent', false],
    ['parentbased_always_off', 1, 'a traced parent', true],
    ['parentbased_traceidratio', 1, 'no parent', true],
    ['parentbased_traceidratio', 0, 'no parent', false],
    ['parentbased_traceidratio', 0, 'a traced parent', true]
  ] as const) {
    const sampler = createSampler(name, ratio)
    const { decision } = sampler.shouldSample(contexts[parent], TRACE, 'GET', SpanKind.SERVER, {}, [])
    t.equal(decision === SamplingDecision.RECORD_AND_SAMPLED, isTraced, `${name} ${ratio} with ${parent}`)
  }
})
