import { ConcordataError } from '../runtime/errors.ts'
import { NO_EVENTS } from './port.ts'

/** Somebody else appended to the stream first, or not at all yet. Evidence: `{ stream, expected, actual }`. */
export class WrongExpectedRevision extends ConcordataError {
  readonly actual: number

  constructor(stream: string, expected: number, actual: number) {
    const found = actual === NO_EVENTS ? 'it has no events' : `its last revision is ${actual}`
    super('store_wrong_revision', `append to ${stream}: expected revision ${expected}, but ${found}`, {
      stream,
      expected,
      actual,
    })
    this.actual = actual
  }
}

/** The store was closed by its owner. */
export class StoreClosed extends ConcordataError {
  constructor() {
    super('store_closed', 'the store is closed')
  }
}

/** A write to a store that was opened for reading only. Evidence: `{ path }`. */
export class StoreReadonly extends ConcordataError {
  constructor(path: string) {
    super('store_readonly', `the store ${path} was opened for reading only`, { path })
  }
}

/** Locked by another process for too long, disk full, input or output failed. The outcome of a write is unknown. */
export class StoreUnavailable extends ConcordataError {}

/** Another process has what the call needs, and nothing has happened: to be tried again soon. */
export class StoreLocked extends StoreUnavailable {}

/** The store holds what Concordata cannot have written: it was damaged, or changed by somebody. */
export class StoreCorrupt extends ConcordataError {}

/** The file is no store of Concordata, or was written by a newer version. It was left as it is. */
export class StoreIncompatible extends ConcordataError {}

/** The store's server does not know the user, or does not allow it the call. */
export class StoreAccessDenied extends ConcordataError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('store_access_denied', message, {}, options)
  }
}

/** More in one append, or in a group of payloads, than the store can take. Evidence: `{ bytesMax }`. */
export class StoreWriteTooLarge extends ConcordataError {
  constructor(doing: string, what: 'append' | 'group', bytesMax: number, options?: { cause?: unknown }) {
    super('store_write_too_large', `${doing}: one ${what} may have ${bytesMax} bytes at most`, { bytesMax }, options)
  }
}

/** The address of the store's server is malformed, or a file that it names is missing. */
export class StoreAddressInvalid extends ConcordataError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('store_address_invalid', message, {}, options)
  }
}

/** Users and rights on the server could not be set up. Evidence: `status`, where it answered, or `setting`. */
export class StoreSetupFailed extends ConcordataError {
  constructor(message: string, evidence: { status?: number; setting?: string } = {}, options?: { cause?: unknown }) {
    super('store_setup_failed', message, evidence, options)
  }
}
