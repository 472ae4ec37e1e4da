/** Less than so much is little, and so little is as good as nothing. Bytes. */
export const DISK_WARNING_BYTES = 1024 ** 3
export const DISK_ERROR_BYTES = 100 * 1024 ** 2
