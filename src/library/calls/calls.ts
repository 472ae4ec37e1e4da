/** One call of the inward API, wherever its node runs. */
export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** From the root on, with its query, escaped. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** As it is sent; the headers name its type. */
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly header: (name: string) => string | undefined
}

/** Carries a call to a node and back, by the right of one key. Throws NodeNotRunning, and the reason of an abort. */
export type Calls = (call: Call) => Promise<Answer>
