//! The embedded server and the scenes of `sshdoctor demo`.
