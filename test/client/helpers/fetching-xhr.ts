import type { Progress } from '../../../src/client/index.ts'

/** An XMLHttpRequest on fetch that reports progress twice. */
class Xhr {
  upload: { onprogress?: (progress: Progress) => void } = {}
  status = 0
  responseText = ''
  onload = () => {}
  onerror = () => {}
  #request: [method: string, url: string] = ['', '']
  readonly #headers: Record<string, string> = {}
  open(...request: [string, string]) {
    this.#request = request
  }
  setRequestHeader(name: string, value: string) {
    this.#headers[name] = value
  }
  getResponseHeader() {
    return null
  }
  abort() {}
  async send(body: Blob) {
    const [method, url] = this.#request
    for (const share of [0.5, 1]) {
      this.upload.onprogress?.({ loaded: share * body.size, total: body.size })
    }
    const response = await fetch(url, { method, headers: this.#headers, body }).catch(() => undefined)
    if (!response) return this.onerror()
    Object.assign(this, { status: response.status, responseText: await response.text() })
    this.onload()
  }
}

export const FetchingXhr = Xhr as unknown as typeof XMLHttpRequest
