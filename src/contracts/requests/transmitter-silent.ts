import { ConcordataError } from '../../runtime/errors.ts'

/** The process that signs has not taken up in time what stands in the command queue. It withdraws a request whose deadline has passed by then. */
export class TransmitterSilent extends ConcordataError {
  constructor() {
    super(
      'transmitter_silent',
      'it stands in the outbox, and nobody has taken it up in time: is `concordata transmit` running?',
    )
  }
}
