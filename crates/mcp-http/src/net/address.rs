//! Which addresses a policy allows, and the classes of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::config::AddressPolicy;

impl AddressPolicy {
    /// Whether this address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        let class = AddressClass::of(address);
        match self {
            AddressPolicy::Any => true,
            AddressPolicy::Public => class == AddressClass::Public,
            AddressPolicy::PublicAnd(other) => class == AddressClass::Public || class == other,
        }
    }
}

/// Where an address leads, by the IANA registries of special-purpose addresses. An IPv6 address that embeds an IPv4
/// address (mapped, compatible, NAT64, 6to4) is of the class of that address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressClass {
    /// The public internet.
    Public,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A private network: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `100.64.0.0/10`, `fc00::/7`.
    Private,
    /// The local link: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// The services of cloud providers that hand out a machine's credentials, such as `169.254.169.254`.
    CloudMetadata,
    /// Everything else: multicast, broadcast, reserved, documentation, benchmarking.
    Special,
}

impl AddressClass {
    /// The class of this address.
    pub fn of(address: IpAddr) -> AddressClass {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(Ipv6Addr::LOCALHOST) => AddressClass::Loopback,
            IpAddr::V6(address) => match embedded(address) {
                Some(inner) => of_v4(inner),
                None => of_v6(address),
            },
        }
    }
}

fn of_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        // AWS and most others, Alibaba, Oracle, Azure.
        [169, 254, 169, 254] | [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => {
            AddressClass::CloudMetadata
        }
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        // Shared by carriers (RFC 6598), and by networks that ran out of the private ones.
        [100, 64..=127, ..] => AddressClass::Private,
        [169, 254, ..] => AddressClass::LinkLocal,
        // This network, multicast, reserved and broadcast.
        [0 | 224..=255, ..] => AddressClass::Special,
        // Protocol assignments, documentation, 6to4 relays, benchmarking.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            AddressClass::Special
        }
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    let [first, second, ..] = address.segments();
    match (first, second) {
        // AWS.
        (0xfd00, 0x0ec2) if address.segments()[7] == 0x254 => AddressClass::CloudMetadata,
        (0xfc00..=0xfdff, _) => AddressClass::Private,
        (0xfe80..=0xfebf, _) => AddressClass::LinkLocal,
        // Of 2000::/3, the only block that is assigned: documentation, benchmarking and Teredo.
        (0x2001, 0x0db8 | 0..0x0200) | (0x3fff, _) => AddressClass::Special,
        (0x2000..=0x3fff, _) => AddressClass::Public,
        _ => AddressClass::Special,
    }
}

/// The IPv4 address that an IPv6 address embeds: mapped, compatible, NAT64 and 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => v4(g, h),
        (0x2002, high, low, ..) => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        let public = ["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"];
        let special = [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "100::1",
        ];
        for (list, expected) in [(&public[..], true), (&special[..], false)] {
            for text in list {
                let address = text.parse().unwrap();
                assert_eq!(AddressPolicy::Public.allows(address), expected, "{text}");
                assert!(AddressPolicy::Any.allows(address));
            }
        }
    }

    // AU-C-71: all classes; an address inside another has the class of the inner one.
    #[test]
    fn addresses_have_classes() {
        use AddressClass::{CloudMetadata, LinkLocal, Loopback, Private, Public, Special};
        let rows = [
            ("127.9.9.9", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("10.1.1.1", Private),
            ("::ffff:10.0.0.1", Private),
            ("64:ff9b::c0a8:101", Private),
            ("100.64.0.1", Private),
            ("fd12::1", Private),
            ("169.254.1.1", LinkLocal),
            ("fe80::1", LinkLocal),
            ("169.254.169.254", CloudMetadata),
            ("::ffff:169.254.169.254", CloudMetadata),
            ("2002:a9fe:a9fe::", CloudMetadata),
            ("fd00:ec2::254", CloudMetadata),
            ("168.63.129.16", CloudMetadata),
            ("0.0.0.0", Special),
            ("::", Special),
            ("255.255.255.255", Special),
            ("198.18.0.1", Special),
            ("ff02::1", Special),
            ("fec0::1", Special),
            ("4000::1", Special),
            ("8.8.8.8", Public),
            ("2606:4700::1", Public),
        ];
        for (text, class) in rows {
            let address = text.parse().unwrap();
            assert_eq!(AddressClass::of(address), class, "{text}");
            for other in [Loopback, Private, LinkLocal, Special] {
                let allowed = AddressPolicy::PublicAnd(other).allows(address);
                assert_eq!(allowed, class == Public || class == other, "{text} {other:?}");
            }
        }
    }
}
