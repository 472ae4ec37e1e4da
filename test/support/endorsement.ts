import { asOne, type Document } from './document.ts'
import { broker } from './ruled-document.ts'

/** Structure, a value in it, and a value for what stands: of a document with `Terms/Premium` and `Notes`. */
export const endorsement = asOne(
  broker.addsBlock('Notes/Extension'),
  broker.addsField('#0/Reason'),
  broker.proposes('#1', 'longer'),
  broker.settles('Terms/Premium', '150'),
)

/** What of it stands: the premium, and whether the structure is there. */
export function stands(document: Document): unknown[] {
  return [document.agreedAt('Terms/Premium'), document.at('Notes/Extension/Reason') !== undefined]
}
