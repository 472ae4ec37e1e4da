import { SaxesParser, type SaxesTagPlain } from 'saxes'
import type { Markup } from '../../../documents/markup/markup.ts'
import { NIL_NAMESPACE } from '../../../documents/markup/markup.ts'
import { JSON_DEPTH_MAX } from '../../../events/limits.ts'
import type { ExceededLimit } from '../../../runtime/errors.ts'
import { BODY_MEMBERS_MAX, BodyMalformed, parseExactly } from '../exact-json.ts'

/** A body that came as XML. */
export class XmlBody {
  readonly markup: Markup

  constructor(markup: Markup) {
    this.markup = markup
  }
}

interface Open {
  readonly name: string
  readonly attributes: Attributes
  readonly children: Markup[]
  text: string
}

interface Attributes {
  readonly isNil: boolean
  readonly isJson: boolean
  readonly type?: string
}

/**
 * What an XML text says: elements in no namespace, with text or elements in them. No document type, so no entities but the five
 * of XML itself; depth and count are bounded while it is read. Attacker-controlled: `text`, whole. Throws BodyMalformed.
 */
export function parseXmlExactly(text: string): Markup {
  const parser = new SaxesParser()
  const open: Open[] = []
  let outermost: Markup | undefined
  let count = 0
  parser.on('error', ({ message }) => {
    throw malformed(`it is not well-formed XML: ${message.slice(0, 200)}`)
  })
  parser.on('xmldecl', ({ encoding = 'utf-8', version }) => {
    if (encoding.toLowerCase() !== 'utf-8' || version !== '1.0')
      throw malformed('it says that it is no XML 1.0 in UTF-8')
  })
  parser.on('doctype', () => {
    throw malformed('it has a document type, and none is taken')
  })
  parser.on('opentag', (tag) => {
    if (open.length >= JSON_DEPTH_MAX)
      throw malformed(`it is nested more than ${JSON_DEPTH_MAX} deep`, { name: 'depth', max: JSON_DEPTH_MAX })
    if (++count > BODY_MEMBERS_MAX)
      throw malformed(`it has more than ${BODY_MEMBERS_MAX} elements`, { name: 'elements', max: BODY_MEMBERS_MAX })
    open.push(opened(tag, open.length === 0))
  })
  const add = (piece: string) => {
    const inside = open.at(-1)
    if (inside !== undefined) inside.text += piece
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', () => {
    const markup = closed(open.pop() as Open)
    const parent = open.at(-1)
    if (parent === undefined) outermost = markup
    else parent.children.push(markup)
  })
  parser.write(text).close()
  if (outermost === undefined) throw malformed('it has no element')
  return outermost
}

function opened({ attributes, name }: SaxesTagPlain, isOutermost: boolean): Open {
  if (name.includes(':')) throw malformed(`${name} is in a namespace, and elements are in none`)
  const { encoding, name: named, type, 'xsi:nil': nil = 'false', 'xmlns:xsi': declared, ...others } = attributes
  const [other] = Object.keys(others)
  if (other !== undefined) throw malformed(`the attribute ${other} of ${name} is not understood`)
  if (declared !== undefined && (!isOutermost || declared !== NIL_NAMESPACE))
    throw malformed('xsi stands for another namespace')
  if (nil !== 'true' && nil !== 'false') throw malformed('xsi:nil is true or false')
  if (encoding !== undefined && encoding !== 'json') throw malformed('encoding is json, or left out')
  if (named !== undefined && name !== 'element') throw malformed(`the attribute name is of <element>, not of ${name}`)
  const common = { isNil: nil === 'true', isJson: encoding === 'json', ...(type !== undefined && { type }) }
  return { name: named ?? name, attributes: common, children: [], text: '' }
}

function closed({ attributes: { isJson, isNil, ...type }, children, name, text }: Open): Markup {
  const isBlank = /^[ \t\n\r]*$/.test(text)
  if (children.length > 0 && !isBlank) throw malformed(`${name} has text beside elements`)
  if (isNil && (children.length > 0 || text !== '' || isJson)) throw malformed(`${name} has no value, and has content`)
  if (isJson && children.length > 0) throw malformed(`${name} is to have JSON in it, and has elements`)
  const json = isJson ? { json: { value: parseExactly(text) } } : {}
  return { name, children, text: children.length > 0 || isJson ? '' : text, isNil, ...type, ...json }
}

function malformed(what: string, limit?: ExceededLimit): BodyMalformed {
  return new BodyMalformed('body_malformed', what, limit === undefined ? {} : { limit })
}
