using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ActorMlp.Cli.Chaos;

/// <summary>Which process of this machine is at the other end of a connection, by Linux's tables of sockets (<c>/proc/net/tcp</c>) and of the processes' open files.</summary>
internal static class SocketOwner
{
    private const int LocalColumn = 1;
    private const int RemoteColumn = 2;
    private const int InodeColumn = 9;

    /// <summary>While sockets come and go, a reader of the table may miss one.</summary>
    private const int Attempts = 5;

    private static readonly string[] Tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>Whether this system has the tables.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && File.Exists(Tables[0]);

    /// <summary>Finds the process.</summary>
    /// <param name="accepted">This end of the connection.</param>
    /// <param name="among">The processes that it may be.</param>
    /// <returns>Its number; null for none of them.</returns>
    public static int? Find(Socket accepted, IEnumerable<int> among)
    {
        if (accepted.RemoteEndPoint is not IPEndPoint far || accepted.LocalEndPoint is not IPEndPoint near)
        {
            return null;
        }

        int[] processes = [.. among];
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (InodeOf(far, near) is { } inode)
            {
                string name = $"socket:[{inode}]";
                foreach (int process in processes)
                {
                    if (Holds(process, name))
                    {
                        return process;
                    }
                }
            }
        }

        return null;
    }

    private static string? InodeOf(IPEndPoint local, IPEndPoint remote)
    {
        (string, string) wanted = (Hexadecimal(local), Hexadecimal(remote));
        foreach (string table in Tables.Where(File.Exists))
        {
            foreach (string line in File.ReadLines(table))
            {
                string[] columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

                // A socket for IPv6 has the same last digits.
                if (columns.Length > InodeColumn
                    && columns[LocalColumn].EndsWith(wanted.Item1, StringComparison.Ordinal)
                    && columns[RemoteColumn].EndsWith(wanted.Item2, StringComparison.Ordinal))
                {
                    return columns[InodeColumn];
                }
            }
        }

        return null;
    }

    /// <summary>Address and port as the table writes them: the address as a number in the machine's own byte order.</summary>
    private static string Hexadecimal(IPEndPoint end) => string.Create(
        CultureInfo.InvariantCulture, $"{BitConverter.ToUInt32(end.Address.MapToIPv4().GetAddressBytes()):X8}:{end.Port:X4}");

    private static bool Holds(int process, string file)
    {
        try
        {
            return Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd"))
                .Any(path => string.Equals(new FileInfo(path).LinkTarget, file, StringComparison.Ordinal));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The process has ended, or closes files just now.
            return false;
        }
    }
}
