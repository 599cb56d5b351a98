//! Making a TAP device: a network card whose frames a process reads and writes.
//!
//! The one file of the workspace with unsafe code. The two ioctls have no safe form in nix or rustix, and there is no
//! other way to attach to such a device.
#![expect(unsafe_code, reason = "TUNSETIFF and TUNSETOFFLOAD exist only as ioctls")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use rustix::ioctl::{IntegerSetter, Opcode, Setter, ioctl, opcode};

const TUNSETIFF: Opcode = opcode::write::<i32>(b'T', 202);
const TUNSETOFFLOAD: Opcode = opcode::write::<u32>(b'T', 208);

const IFF_TAP: u16 = 0x0002;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;
/// Frames may come with checksums open and as large segments of TCP over IPv4 and IPv6: without that a relay would carry
/// forty times as many.
const OFFLOAD: usize = 0x1 | 0x2 | 0x4;

/// `struct ifreq` as TUNSETIFF reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// A new device of that name (at most 15 bytes) in this network namespace. Reads and writes do not block; the device goes
/// with the file.
///
/// # Errors
/// If /dev/net/tun is missing or not for us, or the name is taken.
pub(super) fn open(name: &str) -> io::Result<File> {
    let device = OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NONBLOCK).open("/dev/net/tun")?;
    let mut request = Request { name: [0; 16], flags: IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, rest: [0; 22] };
    // The sixteenth byte stays 0: the kernel reads the name up to it.
    for (to, from) in request.name[..15].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    // SAFETY: TUNSETIFF takes a pointer to a `struct ifreq` (40 bytes, as `Request`), reads and writes inside it only, and
    // keeps no pointer.
    unsafe { ioctl(&device, Setter::<TUNSETIFF, Request>::new(request))? };
    // SAFETY: TUNSETOFFLOAD takes its argument as a number, not as a pointer.
    unsafe { ioctl(&device, IntegerSetter::<TUNSETOFFLOAD>::new_usize(OFFLOAD))? };
    Ok(device)
}
