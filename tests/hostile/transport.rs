//! Servers that go wrong before anything is encrypted.

use std::thread;
use std::time::Duration;

use super::client::{Client, Seen};
use super::hygiene::{HOSTILE, hostile_word};
use super::server::{
    IDENTIFICATION, close, drip, flood, hold, kexinit, ordinary_kexinit, packet, reset, send, serve, string,
};

/// What a server may be called that sends something else than SSH, and does not stop.
const NO_IDENTIFICATION: &[&str] = &["not-ssh-server", "banner-timeout"];
/// What an impossible packet may be called.
const NO_PACKET: &[&str] = &["protocol-error"];

fn against(script: impl Fn(&mut std::net::TcpStream) + Send + Sync + 'static) -> Seen {
    Client::new().scene(serve(script)).examine()
}

/// After a good identification string, these bytes, and the connection stays open.
fn after_identification(bytes: Vec<u8>) -> Seen {
    against(move |stream| {
        send(stream, IDENTIFICATION);
        send(stream, &bytes);
        hold(stream);
    })
}

#[test]
fn a_silent_server_is_a_banner_timeout() {
    against(hold).assert_cause(&["banner-timeout"]);
}

#[test]
fn endless_lines_before_the_identification_end() {
    against(|stream| flood(stream, b"220 welcome to nowhere\r\n")).assert_cause(NO_IDENTIFICATION);
}

#[test]
fn an_endless_line_before_the_identification_ends() {
    against(|stream| flood(stream, b"x")).assert_cause(NO_IDENTIFICATION);
}

#[test]
fn endless_zero_bytes_before_the_identification_end() {
    against(|stream| flood(stream, b"\0")).assert_cause(NO_IDENTIFICATION);
}

#[test]
fn text_before_the_identification_is_not_obeyed() {
    let seen = against(|stream| {
        send(stream, &hostile_word());
        send(stream, b"\r\n");
        send(stream, IDENTIFICATION);
        close(stream);
    });
    seen.assert_cause(&["connection-dropped"]);
}

#[test]
fn text_before_the_identification_that_ssh_refuses_is_not_obeyed() {
    // A NUL, or a carriage return without line feed: kex.c kex_exchange_identification takes neither and gives up.
    let seen = against(|stream| {
        send(stream, HOSTILE);
        send(stream, b"\r\n");
        send(stream, IDENTIFICATION);
        close(stream);
    });
    seen.assert_cause(&["not-ssh-server", "protocol-error", "connection-dropped"]);
}

#[test]
fn hostile_text_instead_of_an_identification_is_not_obeyed() {
    let seen = against(|stream| {
        send(stream, HOSTILE);
        close(stream);
    });
    seen.assert_cause(&["not-ssh-server", "connection-dropped"]);
}

#[test]
fn an_identification_with_controls_is_not_obeyed() {
    let seen = against(|stream| {
        send(stream, b"SSH-2.0-");
        send(stream, &hostile_word());
        send(stream, b"\r\n");
        hold(stream);
    });
    seen.assert_cause(&["kex-stalled", "not-ssh-server", "protocol-error", "banner-timeout"]);
}

#[test]
fn an_endless_identification_ends() {
    let seen = against(|stream| {
        send(stream, b"SSH-2.0-");
        flood(stream, b"a");
    });
    seen.assert_cause(&["not-ssh-server", "protocol-error", "banner-timeout"]);
}

#[test]
fn a_dripping_identification_is_a_banner_timeout() {
    against(|stream| drip(stream, b"SSH-2.0-OpenSSH_9.2p1".iter().copied())).assert_cause(&["banner-timeout"]);
}

#[test]
fn dripping_lines_before_the_identification_are_a_banner_timeout() {
    against(|stream| drip(stream, b"a\nb\n".iter().copied().cycle())).assert_cause(NO_IDENTIFICATION);
}

#[test]
fn silence_after_the_identification_is_a_stalled_key_exchange() {
    after_identification(Vec::new()).assert_cause(&["kex-stalled"]);
}

#[test]
fn a_dripping_key_exchange_is_a_stalled_one() {
    let seen = against(|stream| {
        send(stream, IDENTIFICATION);
        drip(stream, packet(&ordinary_kexinit()));
    });
    seen.assert_cause(&["kex-stalled"]);
}

#[test]
fn silence_after_kexinit_is_a_stalled_key_exchange() {
    after_identification(packet(&ordinary_kexinit())).assert_cause(&["kex-stalled"]);
}

#[test]
fn junk_after_the_identification_is_a_protocol_error() {
    after_identification(vec![0xff; 300_000]).assert_cause(NO_PACKET);
}

#[test]
fn text_after_the_identification_is_a_protocol_error() {
    after_identification(HOSTILE.repeat(3000)).assert_cause(NO_PACKET);
}

#[test]
fn an_impossible_length_is_a_protocol_error() {
    after_identification(vec![0x7f, 0xff, 0xff, 0xff, 4, 20, 0, 0]).assert_cause(NO_PACKET);
}

#[test]
fn a_length_of_zero_is_a_protocol_error() {
    after_identification(vec![0; 4096]).assert_cause(NO_PACKET);
}

#[test]
fn more_padding_than_packet_is_a_protocol_error() {
    let mut bytes = vec![0, 0, 0, 12, 200];
    bytes.resize(16, 20);
    after_identification(bytes).assert_cause(NO_PACKET);
}

#[test]
fn a_length_that_is_no_multiple_of_a_block_is_no_reason_to_hang() {
    // RFC 4253 section 6 forbids it; a lenient reader takes the KEXINIT that is inside and waits for the rest.
    let payload = ordinary_kexinit();
    let padding = 4 + usize::from((payload.len() + 5 + 4).is_multiple_of(8));
    let mut bytes = u32::try_from(1 + payload.len() + padding).unwrap().to_be_bytes().to_vec();
    bytes.push(u8::try_from(padding).unwrap());
    bytes.extend(payload);
    bytes.extend(vec![0; padding]);
    after_identification(bytes).assert_cause(&["protocol-error", "kex-stalled"]);
}

#[test]
fn a_truncated_kexinit_is_a_protocol_error() {
    after_identification(packet(&ordinary_kexinit()[..40])).assert_cause(NO_PACKET);
}

#[test]
fn a_name_list_longer_than_its_packet_is_a_protocol_error() {
    let mut payload = ordinary_kexinit();
    payload[17..21].copy_from_slice(&u32::MAX.to_be_bytes());
    after_identification(packet(&payload)).assert_cause(NO_PACKET);
}

#[test]
fn ten_thousand_algorithms_are_no_reason_to_print_them() {
    let names: Vec<String> = (0..10_000).map(|number| format!("k{number}")).collect();
    let names = names.join(",");
    let list = names.as_bytes();
    let seen = after_identification(packet(&kexinit([list; 10])));
    seen.assert_cause(&["no-common-kex", "protocol-error"]);
}

#[test]
fn empty_lists_leave_no_common_kex() {
    after_identification(packet(&kexinit([b""; 10]))).assert_cause(&["no-common-kex"]);
}

#[test]
fn algorithm_names_with_controls_are_not_obeyed() {
    let word = hostile_word();
    after_identification(packet(&kexinit([&word; 10]))).assert_cause(&["no-common-kex", "protocol-error"]);
}

#[test]
fn newkeys_out_of_turn_are_no_reason_to_hang() {
    // ssh itself complains of the type and goes on waiting.
    after_identification(packet(&[21])).assert_cause(&["protocol-error", "kex-stalled"]);
}

#[test]
fn a_key_exchange_reply_of_junk_is_a_protocol_error() {
    let mut reply = vec![31];
    for part in [&[9; 51][..], &[0; 32], &[1; 83]] {
        reply.extend(string(part));
    }
    let bytes = [packet(&ordinary_kexinit()), packet(&reply), packet(&[21])].concat();
    // The connection must end in a wait at most: no key was proved, so no host key may be judged.
    after_identification(bytes).assert_cause(&["protocol-error", "kex-stalled", "undetermined"]);
}

#[test]
fn a_flood_of_ignored_messages_ends() {
    let seen = against(|stream| {
        send(stream, IDENTIFICATION);
        flood(stream, &packet(&[&[2][..], &string(b"ignore me")].concat()));
    });
    seen.assert_cause(&["kex-stalled", "protocol-error"]);
}

#[test]
fn a_flood_of_debug_messages_ends() {
    let seen = against(|stream| {
        send(stream, IDENTIFICATION);
        let debug = [&[4, 1][..], &string(HOSTILE), &string(b"")].concat();
        flood(stream, &packet(&debug));
    });
    seen.assert_cause(&["kex-stalled", "protocol-error"]);
}

#[test]
fn a_disconnect_with_an_odd_code_and_odd_bytes_is_not_obeyed() {
    let mut disconnect = vec![1];
    disconnect.extend(0xdead_beef_u32.to_be_bytes());
    disconnect.extend(string(HOSTILE));
    disconnect.extend(string(b"\xff\xfe"));
    let seen = against(move |stream| {
        send(stream, IDENTIFICATION);
        send(stream, &packet(&disconnect));
        close(stream);
    });
    seen.assert_cause(&["connection-dropped", "server-disconnected"]);
}

#[test]
fn a_disconnect_that_is_cut_short_is_an_end_all_the_same() {
    let seen = against(|stream| {
        send(stream, IDENTIFICATION);
        send(stream, &packet(&[1, 0, 0, 0, 2, 0, 0, 1, 0, b'x']));
        close(stream);
    });
    seen.assert_cause(&["connection-dropped", "protocol-error"]);
}

#[test]
fn protocol_1_is_named() {
    let seen = against(|stream| {
        send(stream, b"SSH-1.5-OldServer\n");
        hold(stream);
    });
    seen.assert_cause(&["ssh-protocol-1-only"]);
}

#[test]
fn a_web_server_is_not_an_ssh_server() {
    let seen = against(|stream| {
        send(stream, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n<html></html>\r\n");
        close(stream);
    });
    seen.assert_cause(&["not-ssh-server"]);
}

#[test]
fn a_tls_server_is_not_an_ssh_server() {
    let seen = against(|stream| {
        send(stream, &[0x15, 3, 1, 0, 2, 2, 10]);
        close(stream);
    });
    seen.assert_cause(&["not-ssh-server"]);
}

#[test]
fn a_mail_server_that_waits_is_not_an_ssh_server() {
    let seen = against(|stream| {
        send(stream, b"220 mail.example.org ESMTP\r\n");
        hold(stream);
    });
    seen.assert_cause(NO_IDENTIFICATION);
}

#[test]
fn a_close_at_once_is_a_dropped_connection() {
    against(close).assert_cause(&["connection-dropped"]);
}

#[test]
fn a_reset_at_once_is_a_dropped_connection() {
    against(|stream| reset(stream)).assert_cause(&["connection-dropped"]);
}

#[test]
fn a_reset_after_the_identification_is_a_dropped_connection() {
    let seen = against(|stream| {
        send(stream, IDENTIFICATION);
        thread::sleep(Duration::from_millis(100));
        reset(stream);
    });
    seen.assert_cause(&["connection-dropped"]);
}

#[test]
fn a_close_after_kexinit_is_a_dropped_connection() {
    let seen = against(|stream| {
        send(stream, IDENTIFICATION);
        send(stream, &packet(&ordinary_kexinit()));
        close(stream);
    });
    seen.assert_cause(&["connection-dropped", "protocol-error"]);
}
