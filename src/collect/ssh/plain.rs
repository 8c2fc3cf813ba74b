//! What the server sends before the connection is encrypted: lines, its identification string, plaintext packets
//! (RFC 4253 sections 4.2 and 6; kex.c `kex_exchange_identification`, whose limits hold here too).

use super::message::{DISCONNECT, KEXINIT, NEWKEYS};
use super::wire::{Reader, names};
use crate::facts::End;
use crate::facts::text::ServerText;
use crate::facts::transport::{KexInit, Transport};

/// Lines before the identification string (SSH_MAX_PRE_BANNER_LINES).
const MAX_LINES: usize = 1024;
/// Bytes of one line (SSH_MAX_BANNER_LEN).
const MAX_LINE: usize = 8192;
/// Bytes of all lines together that are kept.
const MAX_KEPT: usize = 256 * 1024;
/// Bytes of an unfinished line that are kept.
const MAX_UNTERMINATED: usize = 256;
/// The longest `packet_length` (PACKET_MAX_SIZE).
const MAX_PACKET: usize = 256 * 1024;
/// Packets of a key exchange; an honest one has fewer than ten.
const MAX_PACKETS: u32 = 1000;
/// Bytes of a reason for disconnecting that are kept.
const MAX_REASON: usize = 4096;

/// The server's plaintext half of a connection, as it comes in.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    /// The facts so far.
    pub(crate) seen: Transport,
    /// Whole packets so far: the sequence number of the next one, where strict key exchange does not reset it.
    pub(crate) packets: u32,
    /// Whether the server sent `SSH_MSG_NEWKEYS`: everything after it is encrypted and stays here.
    pub(crate) newkeys: bool,
    /// Bytes not understood yet.
    pending: Vec<u8>,
    /// The identification line and whole packets that nobody has taken yet.
    released: Vec<u8>,
    kept: usize,
}

impl Plain {
    /// Reads on with what came.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.seen.end.is_some() {
            return;
        }
        self.pending.extend_from_slice(bytes);
        while self.seen.identification.is_none() {
            match self.line() {
                Ok(true) => {}
                Ok(false) => return,
                Err(what) => return self.broken(what),
            }
        }
        while !self.newkeys && self.seen.end.is_none() {
            match self.packet() {
                Ok(true) => {}
                Ok(false) => return,
                Err(what) => return self.broken(what),
            }
        }
    }

    /// Notes how the connection ended, unless it has ended before.
    pub(crate) fn ended(&mut self, end: End) {
        self.seen.end.get_or_insert(end);
    }

    /// What may be handed on: whole lines and packets only.
    pub(crate) fn release(&mut self, limit: usize) -> Vec<u8> {
        let rest = self.released.split_off(limit.min(self.released.len()));
        std::mem::replace(&mut self.released, rest)
    }

    /// The bytes after `SSH_MSG_NEWKEYS`.
    pub(crate) fn encrypted(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    fn broken(&mut self, what: String) {
        self.ended(End::NotSsh(what));
    }

    /// Takes one line; whether there was a whole one.
    fn line(&mut self) -> Result<bool, String> {
        let end = self.pending.iter().position(|byte| *byte == b'\n');
        let line = &self.pending[..end.unwrap_or(self.pending.len())];
        if end.is_none() {
            self.seen.unterminated = ServerText::new(&line[..line.len().min(MAX_UNTERMINATED)]);
        }
        let stripped = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
        if line[..stripped].iter().any(|byte| matches!(byte, 0 | b'\r')) {
            self.seen.unterminated = ServerText::new(&line[..line.len().min(MAX_UNTERMINATED)]);
            return Err("a line before the identification string holds a NUL or a lone carriage return".to_owned());
        }
        if line.len() > MAX_LINE {
            return Err(format!("a line of more than {MAX_LINE} bytes where the identification string should come"));
        }
        let Some(end) = end else { return Ok(false) };
        let line = line[..stripped].to_vec();
        self.pending.drain(..=end);
        self.seen.unterminated = ServerText::default();
        if line.len() > 4 && line.starts_with(b"SSH-") {
            self.released = [&line, &b"\r\n"[..]].concat();
            self.seen.identification = Some(ServerText::new(line));
            return Ok(true);
        }
        let room = MAX_KEPT.saturating_sub(self.kept);
        self.kept += line.len();
        self.seen.pre_banner.push(ServerText::new(&line[..line.len().min(room)]));
        if self.seen.pre_banner.len() >= MAX_LINES {
            return Err(format!("{MAX_LINES} lines and no identification string among them"));
        }
        Ok(true)
    }

    /// Takes one packet; whether there was a whole one.
    fn packet(&mut self) -> Result<bool, String> {
        let Some(head) = self.pending.first_chunk::<4>() else { return Ok(false) };
        let length = u32::from_be_bytes(*head);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if !(6..=MAX_PACKET).contains(&size) || !(size + 4).is_multiple_of(8) {
            return Err(format!("a packet length of {length} after the identification string"));
        }
        if self.pending.len() < size + 4 {
            return Ok(false);
        }
        let packet: Vec<u8> = self.pending.drain(..size + 4).collect();
        let padding = usize::from(packet[4]);
        let Some(payload @ [number, ..]) = packet.get(5..(size + 4).saturating_sub(padding)) else {
            return Err("a packet with impossible padding".to_owned());
        };
        self.packets += 1;
        if self.packets > MAX_PACKETS {
            return Err(format!("more than {MAX_PACKETS} packets in the key exchange"));
        }
        match *number {
            KEXINIT if self.seen.server.is_none() => {
                self.seen.server = Some(kexinit(payload).ok_or("a KEXINIT that does not hold together")?);
            }
            DISCONNECT => {
                let mut reader = Reader::new(&payload[1..]);
                let code = reader.uint32().unwrap_or(0);
                let text = reader.string().unwrap_or_default();
                self.ended(End::Disconnect { code, text: ServerText::new(&text[..text.len().min(MAX_REASON)]) });
            }
            NEWKEYS => self.newkeys = true,
            _ => {}
        }
        self.released.extend_from_slice(&packet);
        Ok(true)
    }
}

/// The name-lists of a KEXINIT payload.
pub(crate) fn kexinit(payload: &[u8]) -> Option<KexInit> {
    let mut reader = Reader::new(payload);
    reader.bytes(17)?;
    Some(KexInit {
        kex: names(&mut reader)?,
        host_key: names(&mut reader)?,
        cipher_client_to_server: names(&mut reader)?,
        cipher_server_to_client: names(&mut reader)?,
        mac_client_to_server: names(&mut reader)?,
        mac_server_to_client: names(&mut reader)?,
        compression_client_to_server: names(&mut reader)?,
        compression_server_to_client: names(&mut reader)?,
    })
}

/// Whether the connection can be led on with a server that calls itself this (RFC 4253 section 5.1).
pub(crate) fn speaks_ssh2(identification: &[u8]) -> bool {
    identification.starts_with(b"SSH-2.") || identification.starts_with(b"SSH-1.99-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(bytes: &[u8]) -> Plain {
        let mut plain = Plain::default();
        plain.feed(bytes);
        plain
    }

    #[test]
    fn lines_before_the_identification_string_are_kept_and_not_handed_on() {
        let mut plain = Plain::default();
        for byte in b"Welcome\r\n\nSSH-2.0-x y\r\nrest" {
            plain.feed(&[*byte]);
        }
        assert_eq!(plain.seen.pre_banner, ["Welcome", ""]);
        assert_eq!(plain.seen.identification, Some("SSH-2.0-x y".into()));
        assert_eq!(plain.release(100), b"SSH-2.0-x y\r\n");
    }

    #[test]
    fn text_after_the_identification_string_is_no_packet() {
        let plain = fed(b"SSH-2.0-x\r\nHello, this is no packet");
        assert!(matches!(plain.seen.end, Some(End::NotSsh(_))));
    }

    #[test]
    fn a_line_without_end_stops_at_the_limit_of_openssh() {
        let mut plain = fed(&vec![b'a'; 8192]);
        assert_eq!(plain.seen.end, None);
        assert_eq!(plain.seen.unterminated.as_bytes().len(), 256);
        plain.feed(b"a");
        assert!(matches!(plain.seen.end, Some(End::NotSsh(_))));
    }

    #[test]
    fn lines_without_end_stop_at_the_limit_of_openssh() {
        let mut plain = fed(&b"x\n".repeat(1023));
        assert_eq!(plain.seen.end, None);
        plain.feed(b"x\n");
        assert!(matches!(plain.seen.end, Some(End::NotSsh(_))));
    }

    #[test]
    fn binary_protocols_are_known_at_once() {
        assert!(matches!(fed(b"\x15\x03\x01\x00\x02\x02\x46").seen.end, Some(End::NotSsh(_))));
    }

    #[test]
    fn a_disconnect_keeps_any_code_and_any_bytes() {
        let payload = b"\x01\x00\x00\x00\x63\x00\x00\x00\x03\xff\x1bx\x00\x00\x00\x00";
        let padding = 16 - (5 + payload.len()) % 8;
        let length = u32::try_from(1 + payload.len() + padding).unwrap();
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(u8::try_from(padding).unwrap());
        packet.extend_from_slice(payload);
        packet.resize(packet.len() + padding, 0);
        let plain = fed(&[b"SSH-2.0-x\n", &packet[..]].concat());
        assert_eq!(plain.seen.end, Some(End::Disconnect { code: 99, text: ServerText::new(&b"\xff\x1bx"[..]) }));
    }

    #[test]
    fn a_kexinit_whose_lists_go_beyond_it_is_no_packet() {
        let mut packet = b"\0\0\0\x1c\x06\x14cookiecookiecook\0\0\xff\xff".to_vec();
        packet.resize(32, 0);
        let plain = fed(&[b"SSH-2.0-x\n", &packet[..]].concat());
        assert!(matches!(plain.seen.end, Some(End::NotSsh(_))), "{:?}", plain.seen.end);
    }

    #[test]
    fn ssh_1_99_can_be_led_on_and_ssh_1_5_cannot() {
        assert!(speaks_ssh2(b"SSH-1.99-Cisco-1.25"));
        assert!(!speaks_ssh2(b"SSH-1.5-OpenSSH_2.3"));
    }
}
