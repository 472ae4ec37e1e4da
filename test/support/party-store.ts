import type { StoreSettings } from '../../src/node/config/configuration.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { Store } from '../../src/store/port.ts'

/** Where the parties of a test store. */
export interface PartyStores {
  /** Of a party without edges. */
  open(): Store
  /** Of a party with a data directory; undefined: SQLite in there. */
  settingsOf(handle: string): StoreSettings | undefined
}

export let partyStores: PartyStores = { open: openMemoryStore, settingsOf: () => undefined }

/** For all parties of this process from now on. */
export function partiesStoreIn(stores: PartyStores): void {
  partyStores = stores
}
