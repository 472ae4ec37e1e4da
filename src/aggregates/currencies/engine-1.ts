import { CurrencyTable } from './currency-table.ts'
import { iso4217 } from './iso-4217.ts'

/** The currencies of engine 1 (decision 0109). Once released, never changed. */
export const currencies = new CurrencyTable(iso4217)
