/** Codes by their minor unit: how many decimals an amount in the currency has at most. Separated by spaces. */
export type CodesByDecimals = Readonly<Record<number, string>>

/** The currencies of one engine, from its table alone. */
export class CurrencyTable {
  readonly #decimals: ReadonlyMap<string, number>

  constructor(codes: CodesByDecimals) {
    this.#decimals = new Map(
      Object.entries(codes).flatMap(([decimals, some]) =>
        some.split(' ').map((code) => [code, Number(decimals)] as const),
      ),
    )
  }

  /** How many decimals an amount has at most; undefined: there is no such currency. Attacker-controlled: `code`, any string. */
  decimalsOf(code: string): number | undefined {
    return this.#decimals.get(code)
  }

  /** All codes, in the order of the alphabet. */
  get codes(): string[] {
    return [...this.#decimals.keys()].sort()
  }
}
