/** How to write a value. */
export interface SerializeOptions {
  /** What to call the value in an error. @defaultValue 'value' */
  readonly root?: string | undefined
  /** Whether a reader shall notice damage: not needed where bytes stay in the memory of this machine. @defaultValue true */
  readonly checksum?: boolean | undefined
}
/** How to read a value. */
export interface DeserializeOptions {
  /** Whether binary data may be views of the bytes, instead of copies. @defaultValue false */
  readonly share?: boolean | undefined
}
export declare function serialize(
  value: unknown,
  options?: SerializeOptions,
): readonly Uint8Array[] | Promise<readonly Uint8Array[]>
export declare function deserialize(bytes: Uint8Array, options?: DeserializeOptions): unknown
