using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ActorMlp.Cluster.Faults;

/// <summary>Where a connection was meant to go that Linux's packet filter redirected (iptables, target REDIRECT).</summary>
internal static class OriginalDestination
{
    private const int LevelIp = 0;
    private const int OptionOriginalDestination = 80;
    private const int AddressBytes = 16;

    /// <summary>Asks the system.</summary>
    /// <param name="accepted">The connection as it was accepted.</param>
    /// <returns>The address; null if the connection was not redirected.</returns>
    public static IPEndPoint? Of(Socket accepted)
    {
        // A sockaddr_in: family in the machine's byte order, port and address in the network's, eight zeros.
        Span<byte> address = stackalloc byte[AddressBytes];
        try
        {
            accepted.GetRawSocketOption(LevelIp, OptionOriginalDestination, address);
        }
        catch (SocketException)
        {
            return null;
        }

        var original = new IPEndPoint(new IPAddress(address.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
        return original.Equals(accepted.LocalEndPoint) ? null : original;
    }
}
