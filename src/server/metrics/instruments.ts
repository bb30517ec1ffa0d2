import type Prometheus from 'prom-client'

type Library = Pick<typeof Prometheus, 'Counter' | 'Gauge' | 'Histogram'>
/** One value, or values by label. */
type Reading = number | Record<string, number>

export type Instruments = ReturnType<typeof createInstruments>

const PREFIX = 'harmony_helper_'

/** Creates the metrics of this server in a registry. Their names get the prefix `harmony_helper_`. */
export function createInstruments({ Counter, Gauge, Histogram }: Library, registry: Prometheus.Registry) {
  const describe = (name: string, help: string, labelNames: string[]) => ({
    name: PREFIX + name,
    help,
    labelNames,
    registers: [registry]
  })

  return {
    counter: (name: string, help: string, labels: string[] = []) => new Counter(describe(name, help, labels)),

    /** `buckets` are upper limits, in seconds. */
    histogram: (name: string, help: string, { labels, buckets }: { labels: string[]; buckets: number[] }) =>
      new Histogram({ ...describe(name, help, labels), buckets }),

    gauge: (name: string, help: string, labels: string[] = []) => new Gauge(describe(name, help, labels)),

    /** A gauge that is read for each scrape. */
    reading(
      name: string,
      help: string,
      { label, read }: { label?: string; read: () => Reading | Promise<Reading> }
    ) {
      return new Gauge({
        ...describe(name, help, label === undefined ? [] : [label]),
        async collect() {
          const value = await read()
          if (typeof value === 'number') this.set(value)
          else for (const key in value) this.set({ [label ?? '']: key }, value[key] ?? 0)
        }
      })
    }
  }
}
