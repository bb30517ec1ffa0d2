import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler
} from '@opentelemetry/sdk-trace'
import type { Config } from '../config.ts'

type Name = NonNullable<Config['tracing']>['sampler']

const PARENT_BASED = 'parentbased_'

/** The sampler with this name in OpenTelemetry's specification of `OTEL_TRACES_SAMPLER`. */
export function createSampler(name: Name, ratio: number): Sampler {
  if (!name.startsWith(PARENT_BASED)) return createRootSampler(name, ratio)
  return new ParentBasedSampler({ root: createRootSampler(name.slice(PARENT_BASED.length), ratio) })
}

function createRootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_on') return new AlwaysOnSampler()
  if (name === 'always_off') return new AlwaysOffSampler()
  return new TraceIdRatioBasedSampler(ratio)
}
