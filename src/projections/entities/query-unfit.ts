import { ConcordataError } from '../../runtime/errors.ts'

/** What a query says of an attribute, an order or a cursor does not fit the entity. Evidence: `path`, `expected`. */
export class QueryUnfit extends ConcordataError {}
/** More rows would have to be put in order than one answer may cost. Evidence: `limit`. */
export class QueryTooWide extends ConcordataError {}
