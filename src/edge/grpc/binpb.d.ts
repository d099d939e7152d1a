/** Lets Protobuf descriptors be imported as files, so that the executable holds them. */
declare module '*.binpb' {
  /** Where the file is to be read. */
  const path: string;
  export default path;
}
