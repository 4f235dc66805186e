/** How an S3-compatible store differs from AWS in what Cairn relies on. The probe determines it. */
export interface S3Profile {
  /**
   * The form of the ETag in `If-Match` of a PUT. Ceph compares with the unquoted one, and answers a quoted one with
   * "changed".
   */
  readonly ifMatch: 'quoted' | 'unquoted';
  /** Whether CompleteMultipartUpload respects a condition. If not, conditional writes use single PUTs. */
  readonly multipart: 'conditional' | 'unconditional';
}

/** AWS, R2, Tigris, RustFS, SeaweedFS. */
export const STANDARD_PROFILE: S3Profile = { ifMatch: 'quoted', multipart: 'conditional' };
