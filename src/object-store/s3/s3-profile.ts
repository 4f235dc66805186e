/** How a store that speaks S3 differs from AWS where Cairn depends on it. The probe finds it; nothing guesses it later. */
export interface S3Profile {
  /** How `If-Match` of a PUT wants its ETag. Ceph compares with the bare one, and calls a quoted one changed. */
  readonly ifMatch: 'quoted' | 'unquoted';
  /** Whether CompleteMultipartUpload keeps a condition. Where it does not, conditions are left to single PUTs. */
  readonly multipart: 'conditional' | 'unconditional';
}

/** AWS, R2, Tigris, RustFS, SeaweedFS. */
export const STANDARD_PROFILE: S3Profile = { ifMatch: 'quoted', multipart: 'conditional' };
