//! Where the provider pays, and where a person does.

/// Countries that self-serve payouts reach, ISO 3166-1 alpha-2: United States, United Kingdom, EEA, Canada, Switzerland. Elsewhere
/// a person pays.
pub const REACHED: [&str; 34] = [
    "AT", "BE", "BG", "CA", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR",
    "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI",
    "SK", "US",
];

/// Where a person pays; anybody from elsewhere writes to us.
pub const BY_HAND: [&str; 28] = [
    "AE", "AR", "AU", "BR", "CL", "CN", "CO", "EG", "HK", "ID", "IL", "IN", "JP", "KE", "KR", "MX",
    "MY", "NG", "NZ", "PH", "SA", "SG", "TH", "TR", "TW", "UA", "VN", "ZA",
];
