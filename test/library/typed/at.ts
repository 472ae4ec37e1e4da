import type { Contract, Money } from '../../../src/index.ts'

/** Never called: the compiler says whether the types of a document hold. */
export async function typed(contract: Contract<Slip>, untyped: Contract): Promise<void> {
  const rate: string | null | undefined = await contract.at('Terms/Rate').get()
  const cars: number | string | null | undefined = await contract.at(['Terms', 'Cars']).get()
  const code: string | null | undefined = await contract.at('Lines/3/Code').get()
  const share: string | null | undefined = await contract.at('Lines[Code = "x"]/Share').get()
  const fee: Money<'GBP'> | null | undefined = await contract.at('Terms/Fee').get()
  await contract.at('Terms').set('Cars', 12n)
  await contract.at('Terms').set({ Fee: { amount: 5n, currency: 'GBP' }, Kind: null })
  await contract.at('Lines').add({ Code: 'x' })
  await contract.at('').set({ Lines: [{ Code: 'x' }] })
  await contract.change('title', (draft) => draft.at('Terms').set('Rate', '1'))
  // @ts-expect-error: a decimal is its digits
  await contract.at('Terms').set('Rate', 1.5)
  // @ts-expect-error: no such option
  await contract.at('Terms').set('Kind', 'C')
  // @ts-expect-error: no such name
  await contract.at('Terms').set('Rat', '1')
  // @ts-expect-error: no such path
  contract.at('Terms/Rat')
  // @ts-expect-error: below a value stands nothing
  contract.at('Terms/Fee/amount')
  // @ts-expect-error: another currency
  await contract.at('Terms/Fee').propose({ amount: '1', currency: 'USD' })
  await untyped.at('whatever/there/is').set('x', { y: [1] })
  const unknown: unknown = await untyped.at('whatever').get()
  await Promise.all([rate, cars, code, share, fee, unknown])
}

interface Slip {
  readonly Terms: {
    readonly Rate: string | null
    readonly Cars: number | string | null
    readonly Fee: Money<'GBP'> | null
    readonly Kind: 'A' | 'B' | null
  }
  readonly Lines: readonly { readonly Code: string | null; readonly Share: string | null }[]
}
