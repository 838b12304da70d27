/** What one connection may hold at once. */
export interface ConnectionLimits {
  /** Bytes of one message of the peer's. */
  readonly maxPayload: number;
  /** Items of one batch. */
  readonly batch: number;
  /** Requests that run at once; one more is refused with RATE_LIMITED. */
  readonly inFlight: number;
  /** Bytes that are handed to the socket before the peer has taken them; a single larger answer goes out alone. */
  readonly outbound: number;
  /** Bytes of finished answers that wait behind those, while nothing more is read; beyond, the peer is cut off. */
  readonly waiting: number;
}

const mebibyte = 1024 * 1024;

export const connectionLimits: ConnectionLimits = {
  maxPayload: 4 * mebibyte,
  batch: 100,
  inFlight: 256,
  outbound: mebibyte,
  waiting: 16 * mebibyte,
};

/** Close codes of our own, beside RFC 6455's: 1001 going away, 1003 a binary frame, 1007 no UTF-8, 1008 too many fragments, 1009 too large. */
export const closeCodes = {
  /** No `auth.exchange` came in time. */
  loginTimeout: 4401,
  /** The token or session has ended or was revoked. */
  loginEnded: 4401,
} as const;
