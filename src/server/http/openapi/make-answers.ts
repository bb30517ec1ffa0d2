import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { DocumentedRoute } from './page.ts'

/** An answer of the page. */
export type Answer = { statusCode: number; headers: Record<string, string>; body: Uint8Array }

/** Headers of the page's answers that are kept. */
const HEADERS = ['content-type', 'content-security-policy', 'cache-control', 'etag', 'location']

/**
 * Makes all answers of the API page: the document of `routes`, the page and its files, 2.5 MB in all. A thread of its
 * own makes them, because it takes more than half a second of CPU time, in which nobody would be served. The packages
 * that it loads leave the memory with the thread.
 * @param schemas the shared schemas to which those of the routes refer
 * @returns answers by their path
 */
export async function makeAnswers(
  routes: DocumentedRoute[],
  schemas: Record<string, unknown>
): Promise<ReadonlyMap<string, Answer>> {
  // As JSON: the schemas have functions and symbols, which cannot be sent to a thread.
  const input = JSON.stringify([routes, schemas])
  const worker = new Worker(new URL(import.meta.url), { workerData: { [import.meta.url]: input } })
  const [answers] = await once(worker, 'message')
  return answers
}

async function askPage(routes: DocumentedRoute[], schemas: Record<string, unknown>) {
  const { createOpenapiPage } = await import('./page.ts')
  const page = await createOpenapiPage(routes, schemas)
  const answers = new Map<string, Answer>()
  for (const path of await pathsOfPage()) {
    const { statusCode, headers, rawPayload } = await page.inject(path)
    const kept = HEADERS.flatMap((name) =>
      headers[name] === undefined ? [] : [[name, String(headers[name])]]
    )
    answers.set(path, { statusCode, headers: Object.fromEntries(kept), body: rawPayload })
  }
  return answers
}

async function pathsOfPage(): Promise<string[]> {
  const files = await readdir(new URL('static/', import.meta.resolve('@fastify/swagger-ui')))
  const names = ['', '/', '/json', ...[...files, 'swagger-initializer.js'].map((file) => `/static/${file}`)]
  return names.map((name) => `/docs${name}`)
}

// This file is also the program of the thread.
const input: string | undefined = workerData?.[import.meta.url]
if (!isMainThread && input !== undefined) {
  const [routes, schemas] = JSON.parse(input)
  parentPort?.postMessage(await askPage(routes, schemas))
}
