/** Of this program and its API, as package.json has it. */
export const VERSION = '0.1.0'
