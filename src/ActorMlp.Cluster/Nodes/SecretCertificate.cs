using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ActorMlp.Cluster.Nodes;

/// <summary>
/// A key pair that everybody who knows a secret can make, and nobody else: mutual TLS with this key on both sides proves the secret without sending it.
/// </summary>
/// <remarks>
/// The private key is a scalar of P-256, drawn from PBKDF2-HMAC-SHA-256 over the secret; 48 bytes reduced modulo the group's order leave a bias below
/// 2⁻¹²⁸ (FIPS 186-5, A.2.1). The public key can be seen by whoever calls a node, and so tried against guesses of the secret: hence the many iterations,
/// and a least length. The certificate around the key means nothing; only its key is compared.
/// </remarks>
internal static class SecretCertificate
{
    public const int LeastLength = 32;

    private const int Iterations = 600_000;

    private static readonly byte[] Salt = Encoding.ASCII.GetBytes("actormlp cluster secret, P-256, 1");

    private static readonly BigInteger GroupOrder =
        new(Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"), isUnsigned: true, isBigEndian: true);

    public static X509Certificate2 Create(string secret)
    {
        if (secret.Length < LeastLength)
        {
            throw new NodeException(
                $"security: a cluster's secret has at least {LeastLength} characters, as anybody who can call a node may try guesses; for example: openssl rand -hex 32");
        }

        using ECDsa key = DeriveKey(secret);
        CertificateRequest request = ClusterAuthority.Request("CN=actormlp cluster secret", key);
        request.CertificateExtensions.Add(ClusterAuthority.NodeUsages());
        return NodeSecurity.Portable(request.CreateSelfSigned(
            new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero)));
    }

    /// <summary>What the bulk plane's proofs are made with: a hash of the private key, so that guesses at the secret stay as slow there.</summary>
    public static byte[] BulkSecret(X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()
            ?? throw new NodeException("the certificate of the cluster's secret has no private key");
        byte[] digits = key.ExportParameters(includePrivateParameters: true).D!;
        return SHA256.HashData([.. Encoding.ASCII.GetBytes("actormlp bulk plane"), .. digits]);
    }

    private static ECDsa DeriveKey(string secret)
    {
        byte[] drawn = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret), Salt, Iterations, HashAlgorithmName.SHA256, outputLength: 48);
        BigInteger scalar = new BigInteger(drawn, isUnsigned: true, isBigEndian: true) % (GroupOrder - 1) + 1;
        byte[] digits = scalar.ToByteArray(isUnsigned: true, isBigEndian: true);
        byte[] padded = new byte[32];
        digits.CopyTo(padded, padded.Length - digits.Length);
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = padded });
    }
}
